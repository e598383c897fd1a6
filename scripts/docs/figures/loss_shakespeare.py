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
    first = [p for p in start if p[0] < curves[0][0][0]] + curves[0]
    ax.plot(*zip(*first), color=BLUE)
    for curve in curves[1:]:
        ax.plot(*zip(*curve), color=BLUE, alpha=0.45)
    for n in (3, 4):
        level_line(ax, rungs[f"witten-bell {n}"], counting(n), ORANGE)
    level_line(ax, r["witten_bell_5"], counting(5), ORANGE)
    level_line(
        ax, r["nanogpt_published"], "nanoGPT on a GPU (published)", GREEN
    )
    ax.set_xlim(0, max(curve[-1][0] for curve in curves) * 1.03)
    ax.set_ylim(1.4, 2.3)
    plain_numbers(ax.xaxis, ax.yaxis)
    ax.set_xlabel("seconds on two CPU cores")
    ax.set_ylabel("nats a letter, validation")
    ax.tick_params(colors=MUTED, labelcolor=INK)
    return figure


def counting(n):
    return f"counting: {n - 1} letters before"
