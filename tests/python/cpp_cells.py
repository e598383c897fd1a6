# SPDX-License-Identifier: MIT
"""C++ cells for the tests: in this process, or in a kernel. All share one home
folder, so that the prelude is compiled once for each compiler.
"""

import atexit
import functools
import os
import pathlib
import queue
import shutil
import sys
import tempfile
import textwrap
import time
from unittest import mock

import pytest
from jupyter_client.manager import start_new_kernel

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "python"
sys.path.insert(0, str(PACKAGE))

from mlx_llm_tutorial.cpp.cache import Cache  # noqa: E402
from mlx_llm_tutorial.cpp.errors import CppError  # noqa: E402
from mlx_llm_tutorial.cpp.magic import Cells  # noqa: E402
from mlx_llm_tutorial.cpp.toolchain import Toolchain  # noqa: E402

SECONDS = 60  # until a test gives up


@functools.cache
def home():
    folder = tempfile.mkdtemp(prefix="cells-")
    atexit.register(shutil.rmtree, folder, True)
    return pathlib.Path(folder)


def compiler(name="clang"):
    """clang++ is quicker, g++ is what Linux has by itself."""
    names = {"clang": ["clang++-19", "clang++"], "gcc": ["g++"]}[name]
    found = next(filter(None, map(shutil.which, names)), None)
    return found or pytest.fail(f"{names[0]} is missing: apt-get install it")


def cache():
    return Cache(home() / "cache" / "cells")


@functools.cache
def toolchain(name):
    with mock.patch.dict(os.environ, MLX_TUTORIAL_CXX=compiler(name)):
        tool = Toolchain(cache())
    tool.prepare()
    return tool


class Notebook:
    """Cells in this process: nb.cell("f", "int f() {...}"), then nb["f"]."""

    def __init__(self, name="clang"):
        self.user_ns = {}
        self.cells = Cells(self)
        self.cells.toolchain = toolchain(name)

    def cell(self, line, text):
        self.cells.cell(line, textwrap.dedent(text).lstrip("\n"))

    def refused(self, line, text):
        """The error of a cell, as text."""
        with pytest.raises(CppError) as error:
            self.cell(line, text)
        return str(error.value)

    def __getitem__(self, name):
        return self.user_ns[name]


class Kernel:
    """A real kernel. `python_path`: where the package is."""

    def __init__(self, python_path=PACKAGE, load=True, **variables):
        env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        env |= {
            "PYTHONPATH": str(python_path),
            "MLX_TUTORIAL_HOME": str(home()),
            "MLX_TUTORIAL_CXX": compiler(),
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            **{k: str(v) for k, v in variables.items()},
        }
        env = {k: v for k, v in env.items() if v}
        self.manager, self.client = start_new_kernel(
            startup_timeout=SECONDS, kernel_name="python3", env=env
        )
        if load:
            done = self.run("%load_ext mlx_llm_tutorial.cpp")
            assert not done.error, done.error

    def start(self, code):
        """Sends a cell and does not wait for it."""
        return self.client.execute(textwrap.dedent(code).lstrip("\n"))

    def run(self, code):
        return self.finish(Done(self.start(code)))

    def finish(self, done, until=None):
        """Reads what the cell says until it ends, or says `until`."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            try:
                message = self.client.get_iopub_msg(timeout=1)
            except queue.Empty:
                assert self.manager.is_alive(), "the kernel died"
                continue
            if message["parent_header"].get("msg_id") != done.id:
                continue
            if done.add(message) or (until and until in done.text):
                return done
        raise AssertionError(f"no end after {SECONDS} s: {done.text}")

    def interrupt(self):
        self.manager.interrupt_kernel()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


class Done:
    """What a cell said."""

    def __init__(self, id):
        self.id, self.text, self.error = id, "", ""
        self.parts = []  # (stream, text)

    def add(self, message):
        """True at the end of the cell."""
        content, kind = message["content"], message["msg_type"]
        if kind == "stream":
            self.text += content["text"]
            self.parts.append((content["name"], content["text"]))
        elif kind == "error":
            self.error = "\n".join(content["traceback"])
        elif kind == "execute_result":
            self.text += content["data"]["text/plain"] + "\n"
        return kind == "status" and content["execution_state"] == "idle"
