# SPDX-License-Identifier: MIT
"""The notebooks: they run from top to bottom, their exercises are open until
they are solved, and git holds them without outputs, beside their Markdown.

FAST=1 shortens them; LLM_DEEP=1 runs them in full length, and once more with
the compiled cells of the first time.
"""

import os

import jupytext
import notebook_runs
import pytest
import smollm2
from notebook_runs import FOLDER, code_cells, names, printed, read
from test_cpp_libcxx import check  # noqa: F401

DEEP = os.environ.get("LLM_DEEP") == "1"
SOLUTIONS = FOLDER / "solutions"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """With SmolLM2 and no compiled cell."""
    home = tmp_path_factory.mktemp("notebooks")
    (home / "models" / "smollm2").mkdir(parents=True)
    model = smollm2.gguf_file()
    (home / "models" / "smollm2" / model.name).symlink_to(model.resolve())
    return home


@pytest.mark.parametrize("name", names(FOLDER))
def test_a_notebook_runs(name, home):
    notebook = notebook_runs.run(FOLDER / f"{name}.ipynb", home)
    assert all(c.execution_count for c in code_cells(notebook) if c.source)
    said = printed(notebook)
    assert said.count("not yet: ") >= 4, "fewer than four exercises"
    assert "right: " not in said, "an exercise is solved before it is begun"


@pytest.mark.parametrize("name", names(SOLUTIONS))
def test_solutions_are_right(name, home):
    said = printed(notebook_runs.run(SOLUTIONS / f"{name}.ipynb", home))
    assert said.count("right: ") >= 4 and "not yet" not in said, said


@pytest.mark.skipif(not DEEP, reason="./tutorial test --deep")
@pytest.mark.parametrize("name", names(FOLDER))
def test_a_notebook_runs_in_full(name, home):
    notebook_runs.run(FOLDER / f"{name}.ipynb", home, fast=False)


@pytest.mark.skipif(not DEEP, reason="./tutorial test --deep")
def test_their_cells_are_accepted_with_libcxx(home, check):
    """After the runs above: what was made of their cells, but for those that are
    wrong on purpose."""
    files = sorted((home / "cache" / "cells").glob("*/generated.cpp"))
    files = [f for f in files if f.with_name("module.so").is_file()]
    assert len(files) > 50
    assert {f.parent.name: check(f.parent.name, f.read_text()) for f in files} == {f.parent.name: "" for f in files}  # fmt: skip


def all_notebooks():
    return [*FOLDER.glob("*.ipynb"), *SOLUTIONS.glob("*.ipynb")]


def test_every_notebook_has_solutions():
    assert names(FOLDER) == names(SOLUTIONS) != []


@pytest.mark.parametrize("path", all_notebooks(), ids=lambda p: f"{p.parent.name}/{p.stem}")  # fmt: skip
def test_how_git_holds_it(path):
    """Without what a run leaves, and equal to its Markdown."""
    notebook = read(path)
    assert notebook.metadata.kernelspec.name == "mlx-llm-tutorial"
    for cell in code_cells(notebook):
        assert not cell.outputs and not cell.execution_count, cell.source
        assert cell.source.count("\n") < 25, cell.source
    written = jupytext.read(path.with_suffix(".md"))
    sources = [(c.cell_type, c.source.strip()) for c in notebook.cells]
    assert sources == [(c.cell_type, c.source.strip()) for c in written.cells]


@pytest.mark.parametrize("name", names(FOLDER))
def test_what_a_notebook_tells_first_and_last(name):
    text = [c.source for c in read(FOLDER / f"{name}.ipynb").cells if c.cell_type == "markdown"]  # fmt: skip
    first, last = "\n".join(text[:3]).lower(), "\n".join(text[-3:]).lower()
    for word in ("level", "time", "memory", "2-core", "after this"):
        assert word in first, word
    assert "todo" not in "\n".join(text).lower()
    assert "what you can now do" in last
