# SPDX-License-Identifier: MIT
"""The C++ that is made from cells is accepted by clang with libc++, as on a Mac
(see test_libcxx.py)."""

import subprocess

import pytest
from cpp_cells import PACKAGE, Notebook, toolchain
from mlx_llm_tutorial.cpp import generate
from mlx_llm_tutorial.cpp.library import find_library
from mlx_llm_tutorial.cpp.source import Source
from test_cpp_cells import ATTENTION
from test_cpp_types import SCALE

FOLDER = PACKAGE / "mlx_llm_tutorial" / "cpp"
CELLS = {
    "exports": ("module", ["attention"], ATTENTION),
    "overloads": (
        "module",
        ["f"],
        "int f(int n = 3) { return n; }\nauto f(std::vector<float> x, "
        "std::optional<float> y = {}) -> float { return x[0] + *y; }",
    ),
    "bind": ("module", ["read"], SCALE % "float x = 1;"),
    "run": ("run", [], 'while (true) { std::cout << "x"; check_interrupt(); }'),
    "main": ("main", [], "int main() { std::cout << mx::array(1.0f); }"),
}


@pytest.fixture(scope="module")
def check(tmp_path_factory):
    """Returns what clang says of a file, "" for nothing."""
    folder = tmp_path_factory.mktemp("libcxx")
    compiler = toolchain("clang").compiler
    flags = [compiler.path, *compiler.flags(0), "-stdlib=libc++"]
    flags += ["-Werror", "-pedantic-errors"]
    flags += [f"-isystem{f}" for f in find_library().folders]
    prelude = FOLDER / "prelude.hpp"
    pch = folder / "prelude.pch"
    command = [*flags, "-x", "c++-header", str(prelude), "-o", str(pch)]
    subprocess.run(command, check=True)

    def said(name, text):
        path = folder / f"{name}.cpp"
        path.write_text(text)
        use = ["-fsyntax-only", "-include-pch", str(pch), f"-I{FOLDER}"]
        done = subprocess.run(
            [*flags, *use, str(path)], capture_output=True, text=True
        )
        return done.stderr

    return said


def final(text):
    text = text.replace(generate.CELL, "cell.cpp")
    return text.replace(generate.KEY, "0123456789abcdef")


@pytest.mark.parametrize("name", CELLS)
def test_generated_file(check, name):
    kind, exports, text = CELLS[name]
    source = Source(text.strip(), kind)
    if kind == "main":
        out = generate.program_text(source, {}, ())
    else:
        out = generate.module_text(source, exports, {}, ("SOMETHING=1",))
    assert check(name, final(out)) == ""


def test_header_of_a_named_cell(check):
    source = Source("#include <array>\nstruct Named { std::array<int, 2> x; };")
    header = final(generate.header_text(source, {}, ()))
    assert check("named", header.replace("#pragma once\n", "")) == ""


def test_runtime(check):
    assert check("runtime", (FOLDER / "runtime.cpp").read_text()) == ""


def test_the_check_can_fail(check):
    text = "#include <thread>\nint f() { std::jthread x; return 1; }"
    out = generate.module_text(Source(text), ["f"], {}, ())
    assert "jthread" in check("bad", final(out))
    assert Notebook("gcc").cell("f", text) is None  # libstdc++ has it
