# SPDX-License-Identifier: MIT
"""The same setting with several seeds: how much of a difference is noise."""

import numpy as np

from . import colours as c
from .checks import array, mapping
from .style import new_figure, styled


def seed_spread(
    losses, *, title=None, xlabel="validation loss (nats per token)"
):
    """A line for each setting: a dot for each seed, a bar at their mean and, for
    two seeds or more, a band of one standard deviation to both sides.

    losses: {setting: [loss of each seed]}, drawn from top to bottom.
    """
    where = "seed_spread"
    losses = {
        str(name): array(where, f"losses of {name}", values, "[n]")
        for name, values in mapping(where, "losses", losses).items()
    }
    with styled():
        height = 0.27 * len(losses) + 0.55 + (0.3 if title else 0)
        figure = new_figure(5.6, height, title, layout="constrained")
        ax = figure.add_subplot()
        for y, values in enumerate(losses.values()):
            _line(ax, y, values)
        ax.set_yticks(range(len(losses)), losses, fontsize=8, color=c.INK)
        ax.set_ylim(len(losses) - 0.5, -0.5)
        ax.tick_params(axis="y", length=0)
        ax.use_sticky_edges = False  # room at the left end of a band
        ax.margins(x=0.05)
        ax.set_xlabel(xlabel)
        ax.grid(axis="x")
        return figure


def _line(ax, y, values):
    mean = values.mean()
    if len(values) > 1:
        spread = np.std(values, ddof=1)
        ax.barh(y, 2 * spread, 0.5, mean - spread, color=c.ACCENT_SOFT)
    ax.vlines(mean, y - 0.32, y + 0.32, color=c.INK, linewidth=1.4)
    ax.plot(values, np.full(len(values), y), "o", color=c.COOL, markersize=4)
