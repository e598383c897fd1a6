# SPDX-License-Identifier: MIT
"""The default run: its loss while it trains, beside what counting reaches and
the least that any model can reach on this text. Every fourth batch has short
windows, where little is known: those losses are higher, and drawn apart."""

from runner import result
from style import BLUE, GREEN, INK, MUTED, ORANGE, level_line, new_figure
from style import name_line, plain_numbers

TITLE = "Training loss of the default model on tiny-tales"
DESCRIPTION = (
    "The loss falls below the best model that counts letters and ends a little "
    "above the entropy of the grammar that the stories come from."
)
INPUTS = ["benchmarks/results/tales_floor.json"]
SHORT_EVERY = 4  # of the preset


def draw():
    r = result("tales_floor")
    long = [(s, y) for s, y in r["curve"] if s % SHORT_EVERY]
    short = [(s, y) for s, y in r["curve"] if s % SHORT_EVERY == 0]
    counting = {
        rung["n"]: rung["val_nats_per_char"]
        for rung in r["ladder"]
        if rung["model"] == "witten-bell"
    }
    figure, (ax,) = new_figure(360)
    ax.set_yscale("log")
    ax.plot(*zip(*short), "o", color=MUTED, markersize=4, alpha=0.7)
    ax.plot(*zip(*long), color=BLUE)
    name_line(ax, *short[-1], "32 letters at a time", MUTED)
    name_line(ax, *long[-1], "256 at a time", BLUE, dy=6)
    for n in (2, 3, 4, 5, 8):
        name = f"counting: {n - 1} letter{'s' if n > 2 else ''} before"
        level_line(ax, counting[n], name, ORANGE, x=0.99, above=n < 8)
    floor = r["floor"]["fixed_windows"]
    level_line(
        ax, floor, "the floor: entropy of the grammar", GREEN, 0.99, False
    )
    ax.set_xlim(0, r["curve"][-1][0] * 1.19)
    ax.set_ylim(floor * 0.82, 2.9)
    ax.set_yticks([0.3, 0.5, 1, 2])
    plain_numbers(ax.xaxis, ax.yaxis)
    ax.set_xticks(range(0, r["curve"][-1][0] + 1, 500))
    ax.set_xlabel("step")
    ax.set_ylabel("nats a letter")
    ax.tick_params(colors=MUTED, labelcolor=INK)
    return figure
