# SPDX-License-Identifier: MIT
"""The cache of compiled cells, and what is compiled once for a compiler."""

import copy
import os
import shutil
import threading
import time
from unittest import mock

import pytest
from cpp_cells import Done, Kernel, Notebook, cache, toolchain
from mlx_llm_tutorial.cpp.cache import Cache, key_of, locked, making, write
from mlx_llm_tutorial.cpp.errors import CppError
from mlx_llm_tutorial.cpp.magic import Cells

# --- files -------------------------------------------------------------------


def test_keys_do_not_run_together():
    assert key_of("ab", "c") != key_of("a", "bc")
    assert len(key_of("x")) == 16 and key_of("é") == key_of("é")


def test_a_file_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "file"
    with making(path) as name:
        with open(name, "w") as file:
            file.write("whole")
        assert not path.exists()
    assert path.read_text() == "whole" and len(list(tmp_path.iterdir())) == 1
    with pytest.raises(ZeroDivisionError):
        with making(path) as name:
            1 / 0
    assert path.read_text() == "whole" and len(list(tmp_path.iterdir())) == 1


def test_the_newest_stay(tmp_path):
    small = Cache(tmp_path, limit=250)
    for age, key in enumerate(["new", "middle", "old", "oldest"]):
        folder = small.folder(key)
        write(folder / "file", "x" * 100)
        os.utime(folder, (1000 - age, 1000 - age))
    small.evict()
    assert sorted(os.listdir(tmp_path)) == ["middle", "new"]
    small.folder("middle")  # used again
    write(small.folder("newest") / "file", "x" * 100)
    small.evict()
    assert sorted(os.listdir(tmp_path)) == ["middle", "newest"]


def test_one_at_a_time(tmp_path):
    order = []

    def other():
        with locked(tmp_path):
            order.append("other")

    with locked(tmp_path):
        thread = threading.Thread(target=other)
        thread.start()
        time.sleep(0.1)
        order.append("first")
    thread.join()
    assert order == ["first", "other"]


# --- cells -------------------------------------------------------------------


@pytest.fixture()
def notebook():
    return Notebook()


def compilations(notebook, line, text):
    """How often the compiler was called."""
    tool = notebook.cells.toolchain
    with mock.patch.object(tool, "compile", wraps=tool.compile) as made:
        notebook.cell(line, text)
    return made.call_count


def test_a_cell_is_compiled_once():
    text = "int once() { return 1; }"
    assert compilations(Notebook(), "once", text) == 1
    assert compilations(Notebook(), "once --time", text) == 0
    assert compilations(Notebook(), "-O0 once", text) == 1
    assert compilations(Notebook(), "once", text + " ") == 1
    assert compilations(Notebook("gcc"), "once", text) == 1


def test_an_error_leaves_nothing_behind(notebook):
    before = {p for p in cache().root.rglob("*") if p.suffix == ".so"}
    for _ in range(2):
        assert "line 2" in notebook.refused("f", "int f() { return nothing; }")
    after = {p for p in cache().root.rglob("*") if p.suffix == ".so"}
    assert before == after
    assert not [p for p in cache().root.rglob(".*")]


def test_what_was_evicted_is_made_again(notebook):
    notebook.cell("--name evicted.hpp", "constexpr int n = 4;")
    use = '#include "evicted.hpp"\nint f() { return n; }'
    notebook.cell("f", use)
    for path in cache().root.glob("*/named/evicted.hpp"):
        path.unlink()
    assert compilations(notebook, "f", use + "\n") == 1
    assert notebook["f"]() == 4


def test_a_home_with_strange_letters(tmp_path):
    """In messages of the compiler too; the prelude is copied to spare time."""
    home = tmp_path / "où est “ça”"
    tool = toolchain("clang")
    other = copy.copy(tool)
    other.cache = Cache(home)
    shutil.copytree(tool.folder, other.folder, dirs_exist_ok=True)
    notebook = Notebook()
    notebook.cells.toolchain = other
    said = notebook.refused("f", "int f() {\n  return nothing;\n}")
    assert said.startswith("line 3: ") and "  return nothing;" in said
    notebook.cell("f", "int f() {\n  return 1;\n}")
    assert notebook["f"]() == 1 and list(home.glob("*/module.so"))


def test_a_home_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MLX_TUTORIAL_HOME", str(tmp_path / "file"))
    with pytest.raises(CppError) as error:
        Cells(mock.Mock(user_ns={})).prepare()
    said = str(error.value)
    assert said.startswith("[%%cpp] expected a cache that can be written but")
    assert said.endswith("another folder in MLX_TUTORIAL_HOME.")


def test_two_kernels_at_once(tmp_path):
    """Both begin the same cell with an empty cache of cells at one time."""
    code = "%%cpp f\n#include <regex>\nint f() { return int(std::regex().mark_count()); }"
    with Kernel() as one, Kernel() as two:
        ids = [(kernel, kernel.start(code)) for kernel in (one, two)]
        for kernel, id in ids:
            assert not kernel.finish(Done(id)).error
            assert kernel.run("f()").text == "0\n"


@pytest.mark.parametrize("name", ["clang", "gcc"])
def test_a_stale_prelude_is_made_again_once(name, capsys):
    tool = toolchain(name)
    tool.prepare(2)
    precompiled = tool.header(2)[1]
    whole = precompiled.stat().st_size
    precompiled.write_bytes(precompiled.read_bytes()[:1000][::-1])
    notebook = Notebook(name)
    capsys.readouterr()
    notebook.cell("f", "int f() { return %d; }" % len(name))
    assert notebook["f"]() == len(name)
    assert capsys.readouterr().out.count("Preparing C++") == 1
    assert abs(precompiled.stat().st_size - whole) < whole / 10
