# SPDX-License-Identifier: MIT
"""The loss of the tutorial's own GPT while it is trained, and the bars that
counting sets."""

import runner
from style import BLUE, GREEN, MUTED, ORANGE, level_line, name_line, new_figure

TITLE = "The loss of the tutorial's GPT"
DESCRIPTION = (
    "The loss on training and validation text falls in the first steps to that "
    "of pairs of letters, rests there, and then passes the bars of n-grams."
)
INPUTS = [
    "benchmarks/results/simple_llm_tutorial.json",
    "benchmarks/results/tales_floor.json",
]


def draw():
    run = runner.result("simple_llm_tutorial")
    floor = runner.result("tales_floor")["floor"]["fixed_windows"]
    steps, train, val, _ = zip(*run["curve"])
    figure, (ax,) = new_figure(380)
    ax.plot((0, *steps), (run["first_loss"], *train), color=BLUE, alpha=0.5)
    ax.plot(steps, val, color=BLUE, marker="o")
    bars = [("pairs", run["pairs"])]
    bars += [(f"{n} letters", run["ngrams"][n]) for n in ("3", "5", "8")]
    for name, loss in bars:
        level_line(ax, loss, f"{name} {loss:.2f}", ORANGE)
    level_line(ax, floor, f"the least possible {floor:.2f}", GREEN, above=False)
    name_line(ax, steps[0], val[0], "your GPT, validation", BLUE, dx=12, dy=6)
    ax.set_ylim(0, 1.05 * run["guessing"])
    ax.set_xlim(0, steps[-1] * 1.02)
    ax.set_xlabel("step")
    ax.set_ylabel("loss, nats per letter")
    ax.axhline(run["guessing"], color=MUTED, linewidth=1)
    return figure
