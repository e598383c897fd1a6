# SPDX-License-Identifier: MIT
"""What both sources share: failures, sums, and files that get their names in
models/ only when they are whole and checked."""
import contextlib
import fcntl
import hashlib
import os
import shutil
import sys


class Failure(Exception):
    """One line for the user, and the exit status."""

    def __init__(self, message, code=3):
        super().__init__(message)
        self.code = code


CHILDREN = []  # processes that end with us


def end_children():
    for child in CHILDREN:
        child.terminate()


def say(text):
    print(text, file=sys.stderr, flush=True)


def size_text(count):
    """Decimal units, as disks are sold and as format_bytes in C++."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            break
        count, unit = count / 1000, {"B": "kB", "kB": "MB", "MB": "GB"}[unit]
    return f"{count:.0f} {unit}"


@contextlib.contextmanager
def half_done(target):
    """The folder for what is not whole yet: models/.fetch/NAME. One process at
    a time; a second one waits, and then finds the model there."""
    folder = target.parent / ".fetch" / target.name
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder.parent / f"{target.name}.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Another process is fetching {target.name}; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        folder.mkdir(exist_ok=True)
        try:
            yield folder
        finally:
            with contextlib.suppress(OSError):
                folder.rmdir()  # if nothing is left in it


def need_disk(count, folder):
    free = shutil.disk_usage(folder).free
    if free < count:
        raise Failure(
            f"expected {size_text(count)} free in {folder} but found "
            f"{size_text(free)}; free some space, or set MLX_TUTORIAL_HOME to "
            "another folder.",
            4,
        )


def digest(path, git=False):
    """sha256 of a file, or the name that git gives to its content."""
    sha = hashlib.sha1() if git else hashlib.sha256()
    if git:
        sha.update(b"blob %d\0" % path.stat().st_size)
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            sha.update(piece)
    return sha.hexdigest()


def matches(path, wanted):
    """Is the file there, and the right one? 40 digits are git's."""
    return path.is_file() and digest(path, len(wanted) == 40) == wanted


def check(path, wanted, what):
    """The sum of a file; a wrong one is removed, so that the next try does not
    find it."""
    if not matches(path, wanted):
        found = digest(path, len(wanted) == 40)
        path.unlink()
        raise Failure(
            f"expected {what} to have the sum {wanted} but received {found}; "
            "the file was removed, run it again."
        )


def publish(parts, target, half):
    """Gives checked files, pairs (path, name), their names in `target`. The
    last one is the file without which the folder is no model."""
    target.mkdir(parents=True, exist_ok=True)
    for path, name in parts:
        with open(path, "rb") as file:
            os.fsync(file.fileno())
        os.replace(path, target / name)
    shutil.rmtree(half)
