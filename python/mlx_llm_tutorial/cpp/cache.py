# SPDX-License-Identifier: MIT
"""What was compiled, in $MLX_TUTORIAL_HOME/cache/cells: a folder for each key.

Kernels use it at once: a file gets its name when it is whole, and a key stands
for its content, so that it does not matter whose file wins. Above the limit the
folders that were used longest ago go.
"""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import tempfile

LIMIT = 500 * 1000**2  # bytes


def home():
    folder = os.environ.get("MLX_TUTORIAL_HOME")
    return pathlib.Path(folder or pathlib.Path.home() / "ai-training")


def key_of(*parts):
    """16 hexadecimal digits that stand for these texts."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()[:16]


class Cache:
    def __init__(self, root=None, limit=LIMIT):
        # Without symbolic links: compilers name files so.
        root = root or home() / "cache" / "cells"
        self.root, self.limit = pathlib.Path(root).resolve(), limit

    def folder(self, key):
        """The folder of a key, made and marked as just used."""
        path = self.root / key
        path.mkdir(parents=True, exist_ok=True)
        os.utime(path)
        return path

    def evict(self):
        """Removes what was used longest ago, until the rest is small enough."""
        folders = [p for p in self.root.iterdir() if p.is_dir()]
        left = self.limit
        for path in sorted(folders, key=used, reverse=True):
            left -= size_of(path)
            if left < 0:
                shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def making(path):
    """Yields a temporary path; what is there at the end becomes `path`."""
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(number)
    try:
        yield name
        os.chmod(name, 0o755)
        os.replace(name, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)


def write(path, text):
    """Writes a text, unless it is there."""
    if not path.is_file():
        with making(path) as name:
            pathlib.Path(name).write_text(text, encoding="utf-8")


@contextlib.contextmanager
def locked(folder):
    """One kernel at a time; the others wait. The end of a process frees it."""
    with open(folder / "lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def used(path):
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0


def size_of(folder):
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_size
    return total
