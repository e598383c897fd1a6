# SPDX-License-Identifier: MIT
"""The shakespeare preset: validation losses of its seeds over time, beside
counting and nanoGPT's published loss on a GPU."""

from runner import result
from style import BLUE, GREEN, INK, MUTED, ORANGE, level_line, new_figure
from style import plain_numbers

TITLE = "Validation loss on tiny-shakespeare over a quarter of an hour"
DESCRIPTION = (
    "Lines of several seeds fall below the five-letter counting model in the "
    "first minutes and end near the loss that nanoGPT reaches on a GPU."
)
INPUTS = [
    "benchmarks/results/shakespeare.json",
    "benchmarks/results/ngram_ladder.json",
]


def draw():
    r = result("shakespeare")
    rungs = {x["name"]: x["found"] for x in result("ngram_ladder")["rungs"]}
    figure, (ax,) = new_figure(360)
    start = [(seconds, loss) for _, seconds, loss in r["bar_curve"]]
    curves = [[(s, loss) for _, s, loss in run["curve"]] for run in r["runs"]]
    ax.plot(*zip(*start), color=BLUE)
    for curve in curves:
        ax.plot(*zip(*curve), color=BLUE, alpha=0.7)
    for n in (3, 4):
        level_line(ax, rungs[f"witten-bell {n}"], counting(n), ORANGE)
    level_line(ax, r["witten_bell_5"], counting(5), ORANGE)
    published = "nanoGPT on a GPU (published)"
    level_line(ax, r["nanogpt_published"], published, GREEN, x=0.32)
    ax.set_xlim(0, max(curve[-1][0] for curve in curves) * 1.03)
    ax.set_ylim(1.4, 2.3)
    plain_numbers(ax.xaxis, ax.yaxis)
    ax.set_xlabel("seconds on two CPU cores")
    ax.set_ylabel("nats a letter, validation")
    ax.tick_params(colors=MUTED, labelcolor=INK)
    return figure


def counting(n):
    return f"counting: {n - 1} letters before"
