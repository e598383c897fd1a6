# SPDX-License-Identifier: MIT
"""The loss of the tutorial's own GPT while it is trained, and the bars that
counting sets."""

import runner
from style import (
    BLUE,
    GREEN,
    MUTED,
    ORANGE,
    level_line,
    name_line,
    new_figure,
    plain_numbers,
)

TITLE = "The loss of the tutorial's GPT"
DESCRIPTION = (
    "The loss on validation text falls in the first steps to that of pairs of "
    "letters, rests there, then passes the bars of up to seven letters."
)
INPUTS = [
    "benchmarks/results/simple_llm_tutorial.json",
    "benchmarks/results/tales_floor.json",
]


def draw():
    run = runner.result("simple_llm_tutorial")
    floor = runner.result("tales_floor")["floor"]["fixed_windows"]
    steps, _, losses, _ = zip(*run["curve"])
    steps, losses = (0, *steps), (run["first_loss"], *losses)
    figure, (ax,) = new_figure(400)
    bars = [
        ("guessing", run["guessing"], MUTED),
        ("pairs", run["pairs"], ORANGE),
    ]
    bars += [
        (f"{n} letters", run["ngrams"][n], ORANGE) for n in ("3", "5", "8")
    ]
    bars += [("the least with 256 letters", floor, GREEN)]
    for name, loss, colour in bars:
        low = loss < 1  # there the curve is on the right
        level_line(ax, loss, f"{name} {loss:.2f}", colour, x=0.33 if low else 1)
    ax.plot(steps, losses, color=BLUE, marker="o")
    middle = len(steps) // 3
    name_line(ax, steps[middle], losses[middle], "your GPT", BLUE, dx=10, dy=8)
    ax.set_yscale("log")
    ax.set_ylim(0.85 * floor, 5)
    ax.set_yticks([0.3, 0.5, 1, 2, 4])
    plain_numbers(ax.yaxis)
    ax.set_xlim(0, steps[-1] * 1.02)
    ax.set_xlabel("step")
    ax.set_ylabel("loss, nats per letter")
    return figure
