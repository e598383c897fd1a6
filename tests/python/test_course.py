# SPDX-License-Identifier: MIT
"""What the notebooks share."""

import mlx_llm_tutorial as llm
import pytest
from mlx_llm_tutorial import course


@course.exercise
def doubling(answer):
    """doubling is adding to itself."""
    assert answer(2) == 4, f"expected 4 for 2 but received {answer(2)}"


@pytest.mark.parametrize(
    "answer, said",
    [
        (lambda x: x + x, "right: doubling is adding to itself."),
        (lambda x: x, "not yet: doubling: expected 4 for 2 but received 2"),
        (lambda x: x / 0, "not yet: doubling: line "),
        (None, "not yet: doubling: the cell above has no answer."),
        (..., "not yet: doubling: the cell above has no answer."),
    ],
)
def test_an_exercise_says_right_or_not_yet(answer, said, capsys):
    assert doubling(answer) == said.startswith("right")
    assert capsys.readouterr().out.startswith(said)


def test_a_missing_model_is_no_end(tmp_path, monkeypatch, capsys):
    """Offline: the command that fetches it is said, and the newest model of
    our own is used."""
    monkeypatch.setenv("MLX_TUTORIAL_HOME", str(tmp_path))
    monkeypatch.setenv("MLX_TUTORIAL_OFFLINE", "1")
    tokenizer = llm.CharTokenizer.train("abc\n")
    shape = llm.ModelShape(layers=1, heads=1, width=8)
    model = llm.make_model(llm.model_config(shape, len(tokenizer), 8))
    folder = llm.new_model_folder("mine")
    folder.mkdir(parents=True)
    llm.save_model_folder(folder, model, tokenizer)
    llm.point_latest_at(folder)
    found = course.model("owner/name")
    assert found.path.resolve() == folder.resolve()
    out = capsys.readouterr().out
    assert "./tutorial run generate --model owner/name" in out
    assert "We go on with" in out


def test_no_model_at_all_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("MLX_TUTORIAL_HOME", str(tmp_path))
    monkeypatch.setenv("MLX_TUTORIAL_OFFLINE", "1")
    with pytest.raises(llm.InputError, match="owner/name"):
        course.model("owner/name")
