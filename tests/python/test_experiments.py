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


def test_other_fixed_settings_are_other_runs(study):
    line = study.run({"model.width": [16]}, progress=False)[0]
    assert study.path(line).is_dir()
    longer = Experiment(
        "widths",
        data=study.data,
        fixed=FIXED | {"train.steps": 6},
        home=study.folder.parent,
    )
    other = longer.run({"model.width": [16]}, progress=False)[0]
    assert other["steps"] == 6 and other["id"] != line["id"]
    assert study.results() == [line] and longer.results() == [other]


def test_points_need_not_be_a_grid(study):
    points = [
        {"train.batch": 4, "train.block": 8},
        {"train.batch": 2, "train.block": 16},
    ]
    assert [run.settings for run in grid(points)] == points
    lines = study.run(points, progress=False)
    assert [line["settings"] for line in lines] == points


def test_settings_of_the_models_file(study):
    """Positions that do not turn: another model, with its config.json."""
    still = {"rope_type": "linear", "factor": 1e9}
    lines = study.run([{}, {"config.rope_scaling": still}], progress=False)
    assert lines[0]["parameters"] == lines[1]["parameters"]
    assert lines[0]["val_loss"] != lines[1]["val_loss"]
    config = json.loads((study.path(lines[1]) / "config.json").read_text())
    assert config["rope_scaling"] == still
    with pytest.raises(TypeError, match="'rope_tetha'.*rope_theta"):
        study.run([{"config.rope_tetha": 100.0}], progress=False)
    with pytest.raises(llm.UsageError, match="heads"):
        study.run([{"model.heads": 3}], progress=False)


def test_a_run_that_diverges_is_a_line_without_a_loss(study):
    points = [
        {
            "train.optimizer.name": "sgd",
            "train.schedule.lr": lr,
            "train.clip": 0.0,
        }
        for lr in (1e30, 1e-3)
    ]
    lines = study.run(points, progress=False)
    assert lines[0]["val_loss"] is None and "finite" in lines[0]["error"]
    best, last = study.leaderboard()
    assert best["train.schedule.lr"] == 1e-3 and best["val_loss"] > 0
    assert last["val_loss"] is None and last["losses"] == []
    assert study.run(points, progress=False) == lines  # it is not tried again


def test_ctrl_c_while_a_run_is_judged(study, monkeypatch):
    def press(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(study, "judge", press)
        assert study.run({"model.width": [16]}, progress=False) == []
    seen = []
    lines = study.run(
        {"model.width": [16]}, on_step=seen.append, progress=False
    )
    assert len(lines) == 1 and seen == []  # it was trained already


def test_judged_on_a_part(study):
    part = Experiment(
        "part", data=study.data, fixed=FIXED, home=study.folder, val_tokens=40
    )
    whole = study.run({"model.width": [16]}, progress=False)[0]
    line = part.run({"model.width": [16]}, progress=False)[0]
    usable = llm.load_for_use(str(part.path(line)))
    corpus = llm.load_corpus(study.data)
    ids = usable.tokenizer.encode(corpus.val)[:40]
    windows = llm.fixed_windows(40, 16)
    expected = llm.evaluate_windows(usable.model, ids, windows)
    assert line["val_loss"] == pytest.approx(expected, abs=1e-6)
    assert line["val_loss"] != whole["val_loss"]


def test_the_bar_counts_steps_of_all_runs(study, capsys):
    study.run({"model.width": [16, 32]})
    shown = capsys.readouterr().err
    assert "8/8" in shown and "run 2 of 2: width=32-seed=1" in shown
