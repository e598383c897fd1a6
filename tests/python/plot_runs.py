# SPDX-License-Identifier: MIT
"""A metrics.jsonl and the lines of a figure, for the tests of loss curves."""

import json

import numpy as np
import pytest

# The first line and the others as llm/training writes them.
HEAD = {
    "run": "tiny-tales-1",
    "config": {"config": {"steps": 40, "batch": 8}},
    "data": "tiny-tales",
    "ladder": [
        {"model": "uniform", "n": 0, "k": 0.0, "val_nats_per_char": 4.007},
        {"model": "add-k", "n": 1, "k": 1.0, "val_nats_per_char": 3.057},
        {"model": "add-k", "n": 5, "k": 0.03, "val_nats_per_char": 0.712},
        {"model": "witten-bell", "n": 5, "k": 0.0, "val_nats_per_char": 0.708},
        {"model": "witten-bell", "n": 8, "k": 0.0, "val_nats_per_char": 0.433},
    ],
    "entropy_floor": {"source": 0.2504, "fixed_windows": 0.2889},
}


def records(steps=30):
    for step in range(1, steps + 1):
        record = {"step": step, "loss": 4 / step + 0.5, "lr": 0.01}
        if step % 10 == 0:
            record["val_loss_sampled"] = 4 / step + 0.6
            record["sample"] = "Once"
        yield record


def lines(figure):
    """{label: [[x], [y]]} of the lines, the pale ones as a list under _raw."""
    found = {"_raw": []}
    for line in figure.axes[0].lines:
        data = np.array(line.get_data())
        if line.get_label() == "_raw":
            found["_raw"].append(data)
        else:
            found[line.get_label()] = data
    return found


@pytest.fixture
def folder(tmp_path):
    lines = [HEAD, *records()]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    # A line that is being written.
    (tmp_path / "metrics.jsonl").write_text(text + '{"step": 31, "lo')
    return tmp_path
