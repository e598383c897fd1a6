# SPDX-License-Identifier: MIT
"""./tutorial notebook and docs: what is built, which kernel and notebook Jupyter
gets. Python is a stand-in (see sandbox.py)."""

import pytest
from sandbox import HEAD, Sandbox

TARGET = "add_custom_target(mlx_llm_tutorial)\n"


@pytest.fixture
def box(tmp_path):
    box = Sandbox(tmp_path)
    lists = box.clone / "CMakeLists.txt"
    lists.write_text(lists.read_text() + TARGET)
    for name in ("doctor", "finetune_llm"):
        (box.clone / f"code/{name}.cpp").write_text("#!/bin/sh\n")
    (box.clone / "notebooks").mkdir()
    for name in ("first", "second"):
        (box.clone / f"notebooks/{name}.ipynb").write_text("{}")
    python = box.stand_in(
        "python",
        'case "$*" in *"-m jupyter"* | *scripts/docs*)\n'
        '  echo "in $PWD path $PYTHONPATH kernels $JUPYTER_PATH"'
        ' >>"$SANDBOX_LOG" ;;\nesac\n',
    )
    assert python.read_text().startswith(HEAD.format(name="python"))
    box.env["MLX_TUTORIAL_PYTHON"] = str(python)
    return box


def test_jupyter_gets_the_notebook_and_our_kernel(box):
    done = box.run("notebook", "second.ipynb", "--", "--no-browser", "--port=1")
    assert done.returncode == 0, done.stderr
    kernel, jupyter = [c for c in box.calls("python") if " -m " in f" {c}"]
    assert kernel == (
        "python -m mlx_llm_tutorial.kernel --write " f"{box.home}/cache/jupyter"
    )
    assert jupyter == (
        "python -m jupyter notebook second.ipynb --no-browser --port=1"
    )
    place = box.calls("in")[0]
    assert place.startswith(f"in {box.clone}/notebooks path ")
    assert f"path {box.clone}/build/release/python kernels" in place
    assert place.endswith(f"kernels {box.home}/cache/jupyter")


def test_no_name_opens_the_list(box):
    assert box.run("notebook").returncode == 0
    assert box.calls("python")[-1] == "python -m jupyter notebook"


def test_build_starts_nothing(box):
    done = box.run("notebook", "--build")
    assert done.returncode == 0, done.stderr
    assert not [c for c in box.calls("python") if "jupyter notebook" in c]
    assert (box.clone / "build/release/bin/finetune_llm").is_file()


@pytest.mark.parametrize(
    "words, said",
    [
        (["third"], "received 'third'; choose from: first second"),
        (
            ["first", "second"],
            "one notebook but received 2; choose from: first",
        ),
        (["--port=3"], "received '--port=3'; what follows -- goes to jupyter"),
    ],
)
def test_wrong_words(box, words, said):
    done = box.run("notebook", *words)
    assert done.returncode == 2 and said in done.stderr
    assert not (box.clone / "build").exists()  # it costs nothing


def test_docs_build_runs_the_notebooks(box):
    done = box.run("docs", "build", "first")
    assert done.returncode == 0, done.stderr
    assert box.calls("python")[-1] == (
        f"python {box.clone}/scripts/docs/notebooks.py "
        f"{box.clone}/build/docs/notebooks first"
    )


def test_docs_build_makes_the_site_first(box):
    assert box.run("docs", "build").returncode == 0
    assert box.calls("python")[-2] == (f"python {box.clone}/scripts/docs build")


@pytest.mark.parametrize(
    "words, kernel",
    [
        (["check", "--links"], False),
        (["write", "--no-run", "page"], False),
        (["write", "page"], True),
        (["run"], True),
    ],
)
def test_docs_builds_what_blocks_need(box, words, kernel):
    """Only where blocks run; our own options are taken wherever they stand."""
    done = box.run("docs", words[0], "--offline", *words[1:])
    assert done.returncode == 0, done.stderr
    last = box.calls("python")[-1]
    assert last == f"python {box.clone}/scripts/docs {' '.join(words)}"
    assert (box.clone / "build/release/bin/simple_llm").is_file() == kernel
    if kernel:
        place = f"path {box.clone}/build/release/python kernels"
        assert place in box.calls("in")[-1]


def test_shortened_copies_lie_apart(box):
    """Or a whole build would keep them, since they are new."""
    assert box.run("docs", "build", FAST="1").returncode == 0
    assert box.calls("python")[-1].endswith("/build/docs/notebooks-fast")


def test_docs_build_refuses_other_names(box):
    done = box.run("docs", "build", "first", "third")
    assert done.returncode == 2
    assert "received 'third'; choose from: first second" in done.stderr
    assert not (box.clone / "build").exists()


@pytest.mark.parametrize("words", [[], ["bild"]])
def test_docs_says_what_it_can(box, words):
    done = box.run("docs", *words)
    assert done.returncode == 2
    assert "expected check, run, write or build" in done.stderr
