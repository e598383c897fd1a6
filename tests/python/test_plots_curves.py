# SPDX-License-Identifier: MIT
"""Loss curves: what is read from metrics.jsonl, what is drawn."""

import json

import numpy as np
import pytest
from plot_figures import LADDER, assert_readable, losses, plots, words
from plot_runs import HEAD, folder, lines, records  # noqa: F401

spread = plots.references.spread
smooth = plots.runs.smooth

# --- reading -----------------------------------------------------------------


def test_run_from_a_file(folder):
    run = plots.read_run(folder / "metrics.jsonl")
    assert (run.name, run.steps, run.floor) == ("tiny-tales-1", 40, 0.2889)
    assert run.ladder == {0: 4.007, 1: 3.057, 5: 0.708, 8: 0.433}
    assert run.train == [(n, 4 / n + 0.5) for n in range(1, 31)]
    assert run.validation == [(n, 4 / n + 0.6) for n in (10, 20, 30)]
    assert plots.read_run(str(folder)) == run


def test_run_of_a_fine_tuning(tmp_path):
    head = {"run": "adapter", "config": {"config": {"steps": 2}}, "iters": 2}
    rows = [head, {"step": 1, "loss": 3.1}, {"step": 2, "loss": 2.7}]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "metrics.jsonl").write_text(text)
    run = plots.read_run(tmp_path)
    assert (run.ladder, run.floor, run.steps) == ({}, None, 2)
    assert run.train == [(1, 3.1), (2, 2.7)] and run.validation == []
    figure = plots.loss_curves(tmp_path)
    assert not any("counting" in word for word in words(figure))


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected metrics.jsonl but"):
        plots.read_run(tmp_path)
    file = tmp_path / "metrics.jsonl"
    file.write_text('{"run": "a"}\nnot json\n')
    with pytest.raises(ValueError) as error:
        plots.loss_curves(file)
    assert str(error.value) == (
        "[metrics.jsonl:2] expected a JSON object but received 'not json'."
    )
    file.write_text("[1, 2]\n")
    with pytest.raises(ValueError, match="expected records as dicts"):
        plots.loss_curves(file)


# --- drawing -----------------------------------------------------------------


def test_curves_of_a_folder(folder):
    figure = plots.loss_curves(folder, title="A run")
    found = lines(figure)
    steps = np.arange(1, 31)
    np.testing.assert_allclose(found["_raw"][0], [steps, 4 / steps + 0.5])
    ten = np.array([10, 20, 30])
    np.testing.assert_allclose(found["validation"], [ten, 4 / ten + 0.6])
    # The smoothed value: a mean whose weights fall by 0.9.
    weights = 0.9 ** np.arange(30)[::-1]
    mean = np.sum(weights * (4 / steps + 0.5)) / weights.sum()
    assert found["training, smoothed"][1, -1] == pytest.approx(mean)
    assert found["floor: entropy of the source"][1].tolist() == [0.2889] * 2
    assert found["best that counting reaches"][1].tolist() == [0.433] * 2
    ax = figure.axes[0]
    assert ax.get_xlim() == (0, 40) and ax.get_yscale() == "log"
    said = words(figure)
    names = ["guessing 4.007", "letter counts 3.057", "5 letters 0.708"]
    assert {*names, "counting: 8 letters 0.433", "floor 0.289"} <= set(said)
    assert {"training steps", "loss (nats per token)"} <= set(said)
    assert_readable(figure)


def test_the_names_of_bars_stand_at_their_lines():
    figure = plots.loss_curves(losses(), ladder=LADDER, floor=0.29)
    figure.draw_without_rendering()
    ax = figure.axes[0]
    values = {f"{v:.3f}": v for v in [*LADDER.values(), 0.29]}
    seen = 0
    for text in ax.texts:
        value = values[text.get_text().split()[-1]]
        at = ax.transData.transform((0, value))[1]
        box = text.get_window_extent()
        assert abs((box.y0 + box.y1) / 2 - at) < 25  # pixels
        seen += 1
    assert seen == len(values)


def test_lists():
    train = losses(50)
    figure = plots.loss_curves(train, validation=[(10, 3.0), (50, 1.5)])
    found = lines(figure)
    np.testing.assert_allclose(found["_raw"][0], [np.arange(1, 51), train])
    assert found["validation"].tolist() == [[10, 50], [3.0, 1.5]]
    pairs = plots.loss_curves([(5, 3.0), (10, 2.0)], log=False, keep=0)
    smoothed = lines(pairs)["training, smoothed"]
    assert smoothed.tolist() == [[5, 10], [3.0, 2.0]]
    assert pairs.axes[0].get_yscale() == "linear"
    assert pairs.axes[0].get_ylim()[0] == 0
    dicts = plots.loss_curves(list(records()))
    assert lines(dicts)["validation"][0].tolist() == [10, 20, 30]


def test_several_runs(folder):
    runs = {
        "file": folder,
        "numbers": losses(20),
        "both": {"train": [3.0, 2.0], "validation": [(2, 2.5)]},
    }
    figure = plots.loss_curves(runs)
    found = lines(figure)
    assert {"file", "numbers", "both", "both, validation"} <= set(found)
    assert found["both, validation"].tolist() == [[2], [2.5]]
    drawn = [x for x in figure.axes[0].lines if x.get_label() in runs]
    assert len({x.get_color() for x in drawn}) == 3
    assert "floor 0.289" in words(figure)  # all runs that have one agree
    assert_readable(figure)


def test_bars_of_different_texts_are_not_drawn(folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    head = {**HEAD, "run": "other", "entropy_floor": {"fixed_windows": 0.9}}
    head["ladder"] = HEAD["ladder"][:2]
    rows = [head, *records()]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (other / "metrics.jsonl").write_text(text)
    figure = plots.loss_curves([folder, other])
    assert not figure.axes[0].texts
    given = plots.loss_curves([folder, other], ladder={3: 1.5}, floor=0.5)
    assert [t.get_text() for t in given.axes[0].texts] == [
        "floor 0.500",
        "counting: 3 letters 1.500",
    ]


def test_no_bars_when_not_wanted(folder):
    figure = plots.loss_curves(folder, ladder={}, floor=False)
    assert not figure.axes[0].texts


def test_many_runs_and_bars_are_readable():
    runs = {f"width {n}": losses(seed=n) + n / 50 for n in range(13)}
    figure = plots.loss_curves(runs, ladder=LADDER, floor=0.3)
    looks = {
        (
            line.get_color(),
            str(line.get_linestyle()),
            line._dash_pattern[1] and tuple(line._dash_pattern[1]),
        )
        for line in figure.axes[0].lines
        if line.get_label() in runs
    }
    assert len(looks) == 13
    assert_readable(figure)


def test_losses_that_are_odd():
    gaps = plots.loss_curves([3.0, np.nan, 2.0, np.inf, 1.0])
    assert lines(gaps)["training, smoothed"][0].tolist() == [1, 3, 5]
    zero = plots.loss_curves([1.0, 0.0], keep=0)  # no logarithm
    assert zero.axes[0].get_yscale() == "linear"
    flat = plots.loss_curves([2.0] * 5)
    assert_readable(flat)
    one = plots.loss_curves([2.0])
    assert_readable(one)
    narrow = plots.loss_curves(np.linspace(2.31, 2.29, 50))
    assert len(narrow.axes[0].get_yticks()) >= 3
    assert_readable(narrow)


def test_smooth():
    points = [(1, 4.0), (2, 2.0), (3, 1.0)]
    expected = [4.0, (0.5 * 4 + 2) / 1.5, (0.25 * 4 + 0.5 * 2 + 1) / 1.75]
    assert [y for _, y in smooth(points, 0.5)] == pytest.approx(expected)


def test_spread():
    assert spread([0.1, 0.5, 0.9], 0.1, 0, 1) == pytest.approx([0.1, 0.5, 0.9])
    assert spread([0.5, 0.5, 0.5], 0.1, 0, 1) == pytest.approx([0.4, 0.5, 0.6])
    assert spread([0.97, 0.98], 0.1, 0, 1) == pytest.approx([0.9, 1.0])
    assert spread([], 0.1, 0, 1) == []


@pytest.mark.parametrize(
    "runs, options, message",
    [
        (
            np.ones((2, 3)),
            {},
            "expected train losses [N] or (step, loss) [N, 2] but received "
            "[2, 3].",
        ),
        ([], {}, "expected at least one loss but received none."),
        ({"a": []}, {}, "expected at least one loss but received none."),
        ([1.0], {"keep": 1}, "expected keep from 0 to below 1 but received 1."),
        (
            {"a": [1.0], "b": [2.0]},
            {"validation": [2.0]},
            "expected validation for one run but received 2 runs.",
        ),
        (
            [1.0],
            {"ladder": [{"n": 1}]},
            'expected rungs of the ladder with "n" and "val_nats_per_char" '
            "but received {'n': 1}.",
        ),
        (
            ["x", 1],
            {},
            "expected numbers as train losses but received text.",
        ),
        (
            [{"step": 1, "loss": "low"}],
            {},
            "expected a number as loss but received 'low'.",
        ),
        (
            [{"loss": 1.0}],
            {},
            "expected a step beside each loss but received {'loss': 1.0}.",
        ),
        (None, {}, "expected numbers as train losses but received NoneType."),
    ],
)
def test_curves_refuse(runs, options, message):
    with pytest.raises(ValueError) as error:
        plots.loss_curves(runs, **options)
    assert str(error.value) == "[loss_curves] " + message
