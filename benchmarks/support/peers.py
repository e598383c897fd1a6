# SPDX-License-Identifier: MIT
"""The others that we compare with. Python MLX, mlx-lm and tokenizers are in the
course's environment; PyTorch, llama.cpp and tiktoken are large or compiled, so
they live in one of their own, which ./tutorial bench --peers makes.
"""

import ctypes.util
import json
import os
import pathlib
import subprocess
import sys

SUPPORT = pathlib.Path(__file__).parent
HOW = "./tutorial bench --peers installs them"
VERSIONS = """
import importlib.metadata as m, json, sys
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = m.version(name)
    except m.PackageNotFoundError:
        pass
json.dump(found, sys.stdout)
"""


def home():
    folder = os.environ.get("MLX_TUTORIAL_HOME")
    return pathlib.Path(folder or pathlib.Path.home() / "ai-training")


def peers_python():
    return str(home() / "cache" / "peers-venv" / "bin" / "python")


def add_option(parser):
    parser.add_argument(
        "--peers-python",
        "--torch-python",
        default=peers_python(),
        help="a Python that has the peers",
    )


class Peers:
    """What of `wanted` the interpreter has; one line names what is missing."""

    def __init__(self, python, *wanted):
        self.python = python
        self.versions = installed(python, wanted)
        missing = [name for name in wanted if name not in self.versions]
        if missing:
            names = ", ".join(missing)
            print(f"left out: {names}; {HOW}", file=sys.stderr)

    def has(self, *names):
        return all(name in self.versions for name in names)


def installed(python, names):
    try:
        done = subprocess.run(
            [python, "-c", VERSIONS, *names], capture_output=True, text=True
        )
        return json.loads(done.stdout) if done.returncode == 0 else {}
    except (OSError, ValueError):
        return {}


def run_script(python, script, threads, *arguments, **environment):
    """What support/`script` prints as JSON, or None if it fails. Its libraries
    get `threads` threads, whichever of these names they look at."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "RAYON_NUM_THREADS")
    env = {**os.environ, **{name: str(threads) for name in names}}
    done = subprocess.run(
        [python, str(SUPPORT / script), *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        env={**env, **environment},
    )
    return json.loads(done.stdout) if done.returncode == 0 else None


def openblas():
    """The option with which the MLX scripts load OpenBLAS before MLX."""
    return ["--openblas"] if ctypes.util.find_library("openblas") else []
