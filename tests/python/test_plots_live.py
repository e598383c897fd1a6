# SPDX-License-Identifier: MIT
"""Loss curves that grow: without a notebook, in one that is only played, and in
a real kernel; and what a cell that ends with a Figure shows."""

import queue
import sys
import time
import types

import numpy as np
import pytest
from jupyter_client.manager import start_new_kernel
from matplotlib.lines import Line2D
from plot_figures import LADDER, ROOT, assert_readable, plots, words
from plot_runs import HEAD, folder, lines, records  # noqa: F401


class Shown:
    """Stands for IPython: what was displayed, and how often."""

    def __init__(self, monkeypatch):
        self.calls = []
        module = types.ModuleType("IPython")
        module.get_ipython = lambda: object()
        module.display = types.ModuleType("IPython.display")
        module.display.display = self.display
        monkeypatch.setitem(sys.modules, "IPython", module)
        monkeypatch.setitem(sys.modules, "IPython.display", module.display)

    def display(self, figure, display_id):
        assert display_id is True
        self.calls.append(("display", self.points(figure)))
        return self

    def update(self, figure):
        self.calls.append(("update", self.points(figure)))

    @staticmethod
    def points(figure):
        return len(lines(figure)["_raw"][0][0])


def test_live_without_a_notebook(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", None)
    curve = plots.LiveLoss(title="Training")
    curve.update(HEAD)
    for record in records():
        curve.update(record)
    curve.finish()
    found = lines(curve.figure)
    assert found["_raw"][0].shape == (2, 30)
    assert found["validation"][0].tolist() == [10, 20, 30]
    assert "floor: entropy of the source" in found
    assert curve.figure.axes[0].get_xlim() == (0, 40)
    assert "Training" in words(curve.figure)
    assert_readable(curve.figure)


def test_live_equals_finished(folder):
    curve = plots.LiveLoss()
    for record in [HEAD, *records()]:
        curve(record)
    finished, grown = lines(plots.loss_curves(folder)), lines(curve.figure)
    assert finished.keys() == grown.keys()
    for key in finished.keys() - {"_raw"}:
        np.testing.assert_array_equal(finished[key], grown[key])
    assert words(plots.loss_curves(folder)) == words(curve.figure)


def test_live_redraws_in_place_and_seldom(monkeypatch):
    shown = Shown(monkeypatch)
    clock = types.SimpleNamespace(now=100.0)
    monkeypatch.setattr(plots.live.time, "monotonic", lambda: clock.now)
    curve = plots.LiveLoss(every=1.0, steps=30)
    figure = curve.figure
    for record in records():
        curve.update(record)
        clock.now += 0.125
    # At once, then one a second, then the last step.
    assert shown.calls == [
        ("display", 1),
        ("update", 9),
        ("update", 17),
        ("update", 25),
        ("update", 30),
    ]
    assert curve.figure is figure


def test_live_leaves_the_time_to_training(monkeypatch):
    """A picture that takes a second is drawn every ten."""
    shown = Shown(monkeypatch)
    clock = types.SimpleNamespace(now=0.0)
    monkeypatch.setattr(plots.live.time, "monotonic", lambda: clock.now)
    slow = shown.display, shown.update

    def display(figure, display_id):
        clock.now += 1
        return slow[0](figure, display_id)

    monkeypatch.setattr(sys.modules["IPython.display"], "display", display)
    curve = plots.LiveLoss(every=0.5)
    for step in range(1, 100):
        curve.update({"step": step, "loss": 1.0})
        clock.now += 0.125
    assert [n for _, n in shown.calls][:2] == [1, 73]


def test_live_refuses():
    with pytest.raises(ValueError, match="expected records as dicts but"):
        plots.LiveLoss().update(3.0)


def test_live_shows_an_empty_start(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", None)
    curve = plots.LiveLoss(ladder=LADDER, steps=10)
    curve.finish()
    assert_readable(curve.figure)
    assert all(isinstance(x, Line2D) for x in curve.figure.axes[0].lines)


# --- a real kernel -----------------------------------------------------------


@pytest.fixture(scope="module")
def kernel():
    manager, client = start_new_kernel(startup_timeout=60)
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def run(client, code):
    """[(kind of message, its content)] of what a cell shows; errors raise."""
    sent = client.execute(code)
    found = []
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            message = client.get_iopub_msg(timeout=1)
        except queue.Empty:
            continue
        if message["parent_header"].get("msg_id") != sent:
            continue
        content, kind = message["content"], message["msg_type"]
        assert kind != "error", "\n".join(content["traceback"])
        if "data" in content:
            found.append((kind, content))
        if kind == "status" and content["execution_state"] == "idle":
            return found
    pytest.fail("the cell did not end")


HEAD_CELL = "plots.head([[1.0]], ['a'])"


def test_a_cell_shows_its_figure_once(kernel):
    setup = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'python')!r})\n"
        "from mlx_llm_tutorial import plots\n"
    )
    without_pyplot = run(kernel, setup + HEAD_CELL)
    with_pyplot = run(kernel, "import matplotlib.pyplot as plt\n" + HEAD_CELL)
    dark = run(kernel, "plt.style.use('dark_background')\n" + HEAD_CELL)
    for shown in (without_pyplot, with_pyplot, dark):
        assert [kind for kind, _ in shown] == ["execute_result"]
        assert "image/png" in shown[0][1]["data"]
    images = [x[0][1]["data"]["image/png"] for x in (with_pyplot, dark)]
    assert images[0] == images[1]
    assert run(kernel, f"figure = {HEAD_CELL}") == []


def test_live_in_a_kernel(kernel):
    code = (
        "curve = plots.LiveLoss(every=0, steps=3)\n"
        "for step in (1, 2, 3):\n"
        "    curve.update({'step': step, 'loss': 3.0 / step})\n"
        "    __import__('time').sleep(1.2 if step == 1 else 0)\n"
    )
    shown = run(kernel, code)
    kinds = [kind for kind, _ in shown]
    assert kinds[0] == "display_data"
    assert set(kinds[1:]) == {"update_display_data"}
    assert len({x["transient"]["display_id"] for _, x in shown}) == 1
    assert all("image/png" in x["data"] for _, x in shown)
