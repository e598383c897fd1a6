# SPDX-License-Identifier: MIT
"""A grid of runs: nothing runs twice, an interrupted run goes on, the
leaderboard is what the lines say.
"""

import json
import statistics

import mlx_llm_tutorial as llm
import pytest
from mlx_llm_tutorial import experiments
from mlx_llm_tutorial.experiments import Experiment, Run, grid

FIXED = {
    "train.steps": 4,
    "train.batch": 2,
    "train.block": 16,
    "train.short_every": 0,
    "model.layers": 1,
    "model.heads": 2,
    "model.kv_heads": 0,
    "train.eval_every": 0,
}


@pytest.fixture
def study(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("a cat sat on a mat. " * 60)
    return Experiment(
        "widths", data=str(text), fixed=FIXED, home=tmp_path / "home"
    )


def test_a_grid_is_all_combinations():
    runs = grid({"a": [1, 2], "b": ["x"]}, seeds=(1, 2))
    assert runs == [
        Run({"a": 1, "b": "x"}, 1),
        Run({"a": 1, "b": "x"}, 2),
        Run({"a": 2, "b": "x"}, 1),
        Run({"a": 2, "b": "x"}, 2),
    ]
    assert len({run.id for run in runs}) == 4


def test_runs_once_and_says_what_was_best(study):
    choices = {"model.width": [16, 32]}
    lines = study.run(choices, seeds=(1, 2), progress=False)
    assert [line["settings"]["model.width"] for line in lines] == [
        16,
        16,
        32,
        32,
    ]
    assert study.results() == lines
    assert all((study.folder / x["id"] / "model.safetensors").is_file() for x in lines)  # fmt: skip
    again = study.run(choices, seeds=(1, 2), progress=False)
    assert again == lines and study.results() == lines
    best, other = study.leaderboard()
    assert best["val_loss"] <= other["val_loss"] and best["runs"] == 2
    mine = [x["val_loss"] for x in lines if x["settings"]["model.width"] == best["model.width"]]  # fmt: skip
    assert best["val_loss"] == pytest.approx(statistics.mean(mine))
    assert best["deviation"] == pytest.approx(statistics.stdev(mine))


def test_an_interrupted_run_goes_on(study):
    """Stopped in the second run: the first is not run again, the second ends
    with the loss of a run that was never stopped."""
    choices = {"model.width": [16, 32]}
    stop = []

    def on_step(step):
        stop.append(step.step)
        return len(stop) != 6  # step 2 of the second run

    assert len(study.run(choices, on_step=on_step, progress=False)) == 1
    seen = []
    lines = study.run(
        choices, on_step=lambda s: seen.append(s.step), progress=False
    )
    assert seen == [3, 4] and len(lines) == 2
    whole = Experiment("whole", data=study.data, fixed=FIXED, home=study.folder)
    assert (
        whole.run(choices, progress=False)[1]["val_loss"]
        == lines[1]["val_loss"]
    )


def test_half_a_line_is_no_run(study):
    study.run({"model.width": [16]}, progress=False)
    path = study.folder / "results.jsonl"
    path.write_text(path.read_text() + '{"id": "ha')
    assert len(study.results()) == 1


def test_a_wrong_setting_stops_before_the_first_run(study):
    with pytest.raises(TypeError, match="model.widht.*layers, heads"):
        study.run({"model.widht": [16]}, progress=False)
    with pytest.raises(TypeError, match="model.width.*'big'"):
        study.run({"model.width": [16, "big"]}, progress=False)
    assert not study.folder.exists()
