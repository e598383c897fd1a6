# SPDX-License-Identifier: MIT
"""What is missing on a machine, or does not fit: each case is one line that says
what to run.
"""

import subprocess
import sys
from unittest import mock

import pytest
from cpp_cells import PACKAGE, cache, compiler, toolchain
from mlx_llm_tutorial.cpp import canary, processes
from mlx_llm_tutorial.cpp import compiler as compilers
from mlx_llm_tutorial.cpp import toolchain as toolchains
from mlx_llm_tutorial.cpp.cache import Cache
from mlx_llm_tutorial.cpp.compiler import Compiler
from mlx_llm_tutorial.cpp.errors import CppError
from mlx_llm_tutorial.cpp.magic import Cells

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
    header = toolchains.HERE / "prelude.hpp"
    source = toolchains.HERE / "runtime.cpp"
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
