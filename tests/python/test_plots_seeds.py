# SPDX-License-Identifier: MIT
"""The spread over seeds, read back from the figure."""

import numpy as np
import pytest

from plot_figures import assert_readable, plots

LOSSES = {"width 64": [0.71, 0.69, 0.73], "width 32": [0.8]}


def test_dots_means_and_deviations():
    ax = plots.seed_spread(LOSSES).axes[0]
    dots = [line.get_xydata().tolist() for line in ax.lines]
    assert dots == [[[0.71, 0], [0.69, 0], [0.73, 0]], [[0.8, 1]]]
    marks = [m.get_segments()[0][0].tolist() for m in ax.collections]
    np.testing.assert_allclose(marks, [[0.71, -0.32], [0.8, 0.68]])
    (band,) = ax.patches  # one seed has none
    spread = np.std(LOSSES["width 64"], ddof=1)
    assert band.get_x() == pytest.approx(0.71 - spread)
    assert band.get_width() == pytest.approx(2 * spread)
    assert ax.get_xlim()[0] < 0.71 - spread and ax.get_xlim()[1] > 0.8
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == list(LOSSES) and ax.yaxis_inverted()


def test_many_settings_can_be_read():
    many = {f"setting number {i}": np.linspace(i, i + 1, 3) for i in range(12)}
    assert_readable(plots.seed_spread(many, title="Many settings"))


@pytest.mark.parametrize("losses", [{}, {"a": []}, {"a": [float("nan")]}])
def test_what_is_no_loss(losses):
    with pytest.raises(ValueError, match="seed_spread"):
        plots.seed_spread(losses)
