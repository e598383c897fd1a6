# SPDX-License-Identifier: MIT
"""The lines that a loss is measured against: what counting letters reaches, and
the floor, with their names at the right so that none covers another."""

import numpy as np

from . import colours as c
from .runs import as_ladder

LOOKS = {
    "rung": {"color": c.INK_3, "linestyle": (0, (1, 2.5)), "linewidth": 0.9},
    "best": {"color": c.INK_2, "linestyle": (0, (5, 2)), "linewidth": 1.1},
    "floor": {"color": c.GOOD, "linestyle": "-", "linewidth": 1.4},
}
LEGEND = {
    "rung": "_rung",
    "best": "best that counting reaches",
    "floor": "floor: entropy of the source",
}


def common_references(runs, ladder, floor):
    """The bars and the floor: given, or those that all runs have in common."""
    if ladder is None:
        ladders = [run.ladder for run in runs if run.ladder]
        same = ladders and all(x == ladders[0] for x in ladders)
        ladder = ladders[0] if same else {}
    if floor is None:
        floors = {run.floor for run in runs if run.floor is not None}
        floor = floors.pop() if len(floors) == 1 else False
    return as_ladder(ladder), None if floor is False else float(floor)


def bar_name(n, best):
    """As on the page: n letters are looked at together, the next one too."""
    name = "guessing" if n == 0 else f"{n} letters"
    name = "letter counts" if n == 1 else name
    return f"counting: {name}" if best else name


def spread(places, gap, low, high):
    """Rising places moved apart to at least `gap`, as little as can be (least
    squares: pool adjacent violators), between low and high."""
    blocks = []  # (sum, count) of places less i gaps, with rising means
    for i, y in enumerate(places):
        blocks.append((y - i * gap, 1))
        while len(blocks) > 1 and _mean(blocks[-2]) > _mean(blocks[-1]):
            (a, m), (b, n) = blocks[-2:]
            blocks[-2:] = [(a + b, m + n)]
    means = [_mean(block) for block in blocks for _ in range(block[1])]
    room = max(low, high - (len(means) - 1) * gap)
    return [i * gap + min(max(y, low), room) for i, y in enumerate(means)]


def _mean(block):
    return block[0] / block[1]


def draw_references(ax, ladder, floor):
    """Those inside the axes' range, which must be set before."""
    best = min(ladder, key=ladder.get) if ladder else None
    lines = [
        (loss, bar_name(n, n == best), "best" if n == best else "rung")
        for n, loss in ladder.items()
    ]
    if floor is not None:
        lines.append((floor, "floor", "floor"))
    low, high = ax.get_ylim()
    lines = sorted(line for line in lines if low <= line[0] <= high)
    scale = np.log if ax.get_yscale() == "log" else float
    span = scale(high) - scale(low)
    places = [(scale(loss) - scale(low)) / span for loss, _, _ in lines]
    inches = ax.figure.get_size_inches()[1] * 0.8  # about, of the axes
    apart = spread(places, 9 / 72 / inches, 0.02, 0.98)
    for (loss, name, kind), y, at in zip(lines, places, apart):
        _draw_reference(ax, loss, name, kind, y, at)


def _draw_reference(ax, loss, name, kind, y, at):
    look = LOOKS[kind]
    ax.axhline(loss, label=LEGEND[kind], zorder=1.5, **look)
    ax.annotate(
        f"{name} {loss:.3f}",
        (1, y),
        xytext=(1.035, at),
        xycoords="axes fraction",
        textcoords="axes fraction",
        fontsize=7,
        va="center",
        color=c.GOOD if kind == "floor" else c.INK_2,
        fontweight="normal" if kind == "rung" else "bold",
        arrowprops={
            "arrowstyle": "-",
            "relpos": (0, 0.5),
            "color": look["color"],
            "linewidth": 0.6,
            "shrinkA": 0,
            "shrinkB": 0,
        },
        annotation_clip=False,
    )
