# SPDX-License-Identifier: MIT
"""The cache of compiled cells, and what is compiled once for a compiler."""

import os
import subprocess
import sys
import threading
import time
from unittest import mock

import pytest
from cpp_cells import (
    PACKAGE,
    Done,
    Kernel,
    Notebook,
    cache,
    compiler,
    toolchain,
)
from mlx_llm_tutorial.cpp import canary, processes
from mlx_llm_tutorial.cpp import compiler as compilers
from mlx_llm_tutorial.cpp import toolchain as toolchains
from mlx_llm_tutorial.cpp.cache import Cache, key_of, locked, making, write
from mlx_llm_tutorial.cpp.compiler import Compiler
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
    write(small.folder("newest") / "file", "x" * 200)
    small.evict()
    assert sorted(os.listdir(tmp_path)) == ["newest"]


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
    for path in cache().root.glob("*/evicted.hpp"):
        path.unlink()
    assert compilations(notebook, "f", use + "\n") == 1
    assert notebook["f"]() == 4


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


# --- another machine ---------------------------------------------------------


def test_another_compiler_or_mlx_is_another_key(monkeypatch):
    keys = {toolchain("clang").key, toolchain("gcc").key}
    monkeypatch.setenv("MLX_TUTORIAL_CXX", compiler())
    assert toolchains.Toolchain(cache()).key in keys
    monkeypatch.setattr(toolchains, "version", lambda name: "0.1")
    keys.add(toolchains.Toolchain(cache()).key)
    assert len(keys) == 3


def test_no_compiler(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("MLX_TUTORIAL_CXX", raising=False)
    for system, line in compilers.INSTALL.items():
        monkeypatch.setattr(sys, "platform", system)
        with pytest.raises(CppError, match="expected a C.. compiler") as error:
            compilers.find_compiler()
        assert str(error.value).endswith(line)
    monkeypatch.setenv("MLX_TUTORIAL_CXX", "no-such-compiler")
    with pytest.raises(CppError, match="received 'no-such-compiler'"):
        compilers.find_compiler()


def test_flags_of_a_mac():
    mac = Compiler("clang++", "Apple clang version 16", "/SDK", "darwin")
    flags = " ".join(mac.flags(2))
    assert "-mmacosx-version-min=14.0 -isysroot /SDK" in flags
    assert "-D_METAL_ -DACCELERATE_NEW_LAPACK" in flags
    assert "include/metal_cpp" in flags and "-DNB_DOMAIN=mlx" in flags
    assert "column-unit" not in flags
    link = " ".join(mac.module_link())
    assert link.startswith("-bundle -undefined dynamic_lookup ")
    assert "lib/libmlx.dylib -Wl,-rpath," in link and "gc-sections" not in link
    assert "openblas" not in " ".join(mac.program_link())


def test_versions_are_those_of_requirements():
    text = (PACKAGE.parent / "requirements.txt").read_text()
    assert f"mlx[cpu]=={compilers.PAIR['mlx']};" in text
    assert f"nanobind=={compilers.PAIR['nanobind']}\n" in text


def test_a_package_is_missing(monkeypatch):
    compilers.folder_of.cache_clear()
    monkeypatch.setattr(
        compilers.importlib.util, "find_spec", lambda name: None
    )
    with pytest.raises(CppError) as error:
        compilers.nanobind_folders()
    assert str(error.value).endswith("run: pip install 'nanobind==3.1.0'")
    with pytest.raises(CppError) as error:
        compilers.mlx_folder()
    extra = "" if sys.platform == "darwin" else "[cpu]"
    assert str(error.value).endswith(f"run: pip install 'mlx{extra}==0.32.4'")


# --- the canary --------------------------------------------------------------


def test_canary_of_a_module_that_shares_nothing(tmp_path):
    """A real one: the runtime built for another domain of types, as it would be
    with another nanobind."""
    tool = toolchain("clang")
    tool.prepare(2)
    source = tmp_path / "runtime.cpp"
    source.write_text(tool.runtime_text)
    header = tool.header(2)[0]
    flags = [f.replace("=mlx", "=other") for f in tool.compiler.flags(0)]
    command = [tool.compiler.path, *flags, "-include", str(header), str(source)]
    command += [str(tool.folder / "nanobind.o"), *tool.compiler.module_link()]
    path = tmp_path / "runtime.so"
    subprocess.run([*command, "-o", str(path)], check=True)
    before = sys.modules[toolchains.RUNTIME]
    try:
        other = toolchains.load(toolchains.RUNTIME, path)
        with pytest.raises(CppError, match="pip install") as error:
            canary.ask_canary(other)
    finally:
        sys.modules[toolchains.RUNTIME] = before
    said = str(error.value)
    assert said.startswith("[%%cpp] expected MLX and nanobind that fit")
    assert "C++ and Python do not share mx.array" in said
    assert "TypeError" not in said and "\n" not in said


@pytest.mark.parametrize(
    "versions, tag, line",
    [
        # the pinned MLX with another nanobind, and both as they should be
        (("0.32.4", "2.15.0"), 22, "pip install 'nanobind==3.1.0'"),
        (("0.32.4", "3.1.0"), 22, " 'nanobind==3.1.0'"),
        # another MLX: what its module says
        (("0.32.1", "3.1.0"), 20, "pip install 'nanobind==2.13.0'"),
        (("0.40.0", "3.1.0"), 99, "==0.32.4'"),
        (("0.40.0", "3.1.0"), None, "==0.32.4'"),
    ],
)
def test_what_to_install(monkeypatch, versions, tag, line):
    known = dict(zip(("mlx", "nanobind"), versions))
    monkeypatch.setattr(canary, "version", known.get)
    monkeypatch.setattr(canary, "mlx_tag", lambda: tag)
    said = str(canary.wrong_pair("they do not fit", ""))
    assert line in said and f"nanobind {versions[1]}:" in said


@pytest.mark.parametrize(
    "text, tag",
    [
        (b"\0nanobind_system_libstdcpp_gxx_abi_1xxx_cxx11_a1_v22\0", 22),
        (b"\0nanobind_system_libcpp_abi1_a1_v22\0", 22),
        (b"\0v20_system_libstdcpp_gxx_abi_1xxx_use_cxx11_abi_1\0", 20),
        (b"\0nothing\0", None),
    ],
)
def test_tag_of_the_module(tmp_path, text, tag):
    (tmp_path / "core.cpython-311-x86_64-linux-gnu.so").write_bytes(text)
    assert canary.mlx_tag(tmp_path) == tag


def test_tag_of_the_mlx_that_is_here():
    assert canary.RELEASES[canary.mlx_tag()] == compilers.PAIR["nanobind"]


def test_a_nanobind_that_does_not_compile(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MLX_TUTORIAL_CXX", compiler())
    monkeypatch.setattr(
        processes, "start_job", failing_job(processes.start_job)
    )
    cells = Cells(mock.Mock(user_ns={}))
    cells.toolchain = toolchains.Toolchain(Cache(tmp_path))
    with pytest.raises(CppError, match="MLX and nanobind do not compile"):
        cells.prepare()
    assert not list(tmp_path.rglob("*.o")) + list(tmp_path.rglob("*.pch"))


def failing_job(start_job):
    def start(stack, path, command):
        return start_job(stack, path, [command[0], "/no/such/file.cpp"])

    return start
