# SPDX-License-Identifier: MIT
"""Cells that use the library of the course: its structs, its errors. Where the
gate has built the package, that one is used; else a small library is made of a
few of its files.
"""

import json
import os
import pathlib
import subprocess
from unittest import mock

import mlx.core as mx
import mlx.nn
import pytest
from cpp_cells import PACKAGE, ROOT, Kernel, Notebook, toolchain
from mlx_llm_tutorial.cpp import library
from mlx_llm_tutorial.cpp.errors import CppError

SOURCES = ["core/error", "nn/linear", "nn/lora", "nn/matmul", "nn/quantization"]
SOURCES += ["nn/dropout"]
CELL = """\
#include "llm/core/error.h"
#include "llm/nn/linear.h"

using llm::nn::Linear;

void bind(nb::module_& m) {
  nb::class_<Linear>(m, "CellLinear")
      .def(nb::init<int, int>())
      .def_rw("weight", &Linear::weight)
      .def("__call__", &Linear::operator());
}

mx::array forward(const Linear& layer, const mx::array& x) {
  if (x.shape(-1) != layer.in()) {
    throw llm::UsageError("forward", "expected 3 but received 2; do it.");
  }
  return layer(x);
}
"""


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The folder that PYTHONPATH names."""
    programs = pathlib.Path(os.environ.get("LLM_PROGRAMS", "/none"))
    real = programs.parent / "python"
    if (real / "mlx_llm_tutorial" / "build_info.json").is_file():
        return real
    return small_library(tmp_path_factory.mktemp("python"))


def small_library(folder):
    package = folder / "mlx_llm_tutorial"
    package.mkdir()
    for path in (PACKAGE / "mlx_llm_tutorial").iterdir():
        (package / path.name).symlink_to(path)
    tool = toolchain("clang")
    tool.prepare(2)
    path = package / "libllm.so"
    sources = [str(ROOT / "llm" / f"{name}.cpp") for name in SOURCES]
    flags = [f for f in tool.compiler.flags(0) if "hidden" not in f]
    command = [tool.compiler.path, *flags, f"-I{ROOT}", "-shared"]
    command += [*sources, *tool.compiler.mlx_link(), "-Wl,-soname,libllm.so"]
    subprocess.run([*command, "-o", str(path)], check=True)
    info = {
        "include_dirs": [str(ROOT), "/usr/include"],
        "library": path.name,
        "definitions": [],
        "mlx": "0.32.4",
        "nanobind": "3.1.0",
        "compiler": tool.compiler.path,
    }
    (package / "build_info.json").write_text(json.dumps(info))
    return folder


@pytest.fixture()
def notebook(built, monkeypatch):
    monkeypatch.setattr(
        library.find_library,
        "__defaults__",
        ([built / "mlx_llm_tutorial"],),
    )
    monkeypatch.setattr(library, "loaded", {})
    return Notebook()


def test_a_struct_of_the_library(notebook):
    """Against MLX's own layer, and its gradient."""
    notebook.cell("forward", CELL)
    layer, other = notebook["CellLinear"](3, 2), mlx.nn.Linear(3, 2, bias=False)
    layer.weight = other.weight
    x = mx.random.normal((4, 3))
    assert mx.allclose(layer(x), other(x), atol=1e-6)
    assert mx.allclose(notebook["forward"](layer, x), other(x), atol=1e-6)
    ours = mx.grad(lambda x: notebook["forward"](layer, x).square().sum())(x)
    assert mx.allclose(
        ours, mx.grad(lambda x: other(x).square().sum())(x), atol=1e-5
    )
    with pytest.raises(Exception) as error:
        notebook["forward"](layer, mx.ones((2, 2)))
    assert str(error.value) == "[forward] expected 3 but received 2; do it."


def test_the_other_compiler_and_a_program(notebook, built, capsys):
    gcc = Notebook("gcc")
    capsys.readouterr()
    gcc.cell(
        "rows",
        '#include "llm/nn/linear.h"\n'
        "int rows(int n) { return llm::nn::Linear(2, n).out(); }",
    )
    assert gcc["rows"](5) == 5
    notebook.cell(
        "--name layer.hpp",
        '#include "llm/nn/linear.h"\nusing Layer = llm::nn::Linear;',
    )
    notebook.cell(
        "--main",
        '#include "layer.hpp"\n'
        "int main() { std::cout << Layer(4, 2)(mx::ones({1, 4})).shape(1); }",
    )
    assert capsys.readouterr().out == "2"


def test_in_a_kernel(built):
    """build_info.json is found beside the package."""
    with Kernel(python_path=built) as kernel:
        assert not kernel.run("%%cpp forward\n" + CELL).error
        code = (
            "import mlx.core as mx\nforward(CellLinear(3, 2), mx.ones((1, 2)))"
        )
        error = kernel.run(code).error
        assert "[forward] expected 3 but received 2; do it." in error


def test_objects_and_errors_of_the_package(built):
    """A class that the package binds goes into a cell as it is, and an error of
    the library is an exception of the package."""
    if not list((built / "mlx_llm_tutorial").glob("_core*.so")):
        pytest.skip("the package is not built: ./tutorial notebook --build")
    cell = """\
    %%cpp ids
    #include "llm/tokenizers/tokenizer.h"
    std::vector<int> ids(const llm::Tokenizer& tokenizer, std::string_view text) {
      return tokenizer.encode(text);
    }
    """
    with Kernel(python_path=built) as kernel:
        assert not kernel.run(cell).error
        kernel.run("import mlx_llm_tutorial as llm")
        kernel.run("tokenizer = llm.CharTokenizer.train('abc')")
        assert kernel.run("ids(tokenizer, 'cab')").text == "[2, 0, 1]\n"
        error = kernel.run("ids(tokenizer, 'x')").error
        assert "InputError" in error and "unknown character 'x'" in error


def test_a_header_that_changes_is_another_cell(built, tmp_path):
    package = built / "mlx_llm_tutorial"
    info = json.loads((package / "build_info.json").read_text())
    arguments = package / info["library"], [tmp_path]
    header = tmp_path / "llm" / "nn" / "new.h"
    header.parent.mkdir(parents=True)
    header.write_text("int a;")
    before = library.stamp_of(*arguments)
    assert library.stamp_of(*arguments) == before
    header.write_text("int abc;")
    assert library.stamp_of(*arguments) != before


def test_a_new_library_compiles_its_cells_again(notebook, monkeypatch):
    text = '#include "llm/core/error.h"\nint f() { return 1; }'
    tool = notebook.cells.toolchain
    for stamp, compilations in [("a", 1), ("a", 0), ("b", 1)]:
        monkeypatch.setattr(library, "loaded", {})  # as after a restart
        monkeypatch.setattr(library, "stamp_of", lambda *_: stamp)
        with mock.patch.object(tool, "compile", wraps=tool.compile) as made:
            notebook.cell("f", text)
        assert made.call_count == compilations


def info_file(folder, built, **changes):
    info = json.loads((built / "mlx_llm_tutorial/build_info.json").read_text())
    info["library"] = str(built / "mlx_llm_tutorial" / info["library"])
    (folder / "build_info.json").write_text(json.dumps({**info, **changes}))
    return [folder]


@pytest.mark.parametrize(
    "changes, message",
    [
        (
            {"mlx": "0.1"},
            "received one for 0.1; run: ./tutorial notebook --build",
        ),
        ({"library": "/no/libllm.so"}, "but found nothing; run: ./tutorial"),
    ],
)
def test_a_library_that_does_not_fit(built, tmp_path, changes, message):
    with pytest.raises(CppError, match=message.replace(".", r"\.")):
        library.find_library(info_file(tmp_path, built, **changes))


def test_not_built(tmp_path, monkeypatch):
    monkeypatch.setattr(library.find_library, "__defaults__", ([tmp_path],))
    said = Notebook().refused("", '#include "llm/nn/linear.h"\n')
    assert "found no build_info.json; run: ./tutorial notebook" in said
    assert "\n" not in said


def test_built_again_while_the_kernel_runs(built, tmp_path, monkeypatch):
    monkeypatch.setattr(library, "loaded", {})
    library.find_library([built / "mlx_llm_tutorial"])
    monkeypatch.setattr(library, "stamp_of", lambda *_: "another")
    with pytest.raises(CppError, match="restart the kernel"):
        library.find_library([built / "mlx_llm_tutorial"])
