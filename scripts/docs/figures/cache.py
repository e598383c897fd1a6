# SPDX-License-Identifier: MIT
"""Writing with the key-value cache and without it."""

from runner import result
from style import BLUE, INK, MUTED, ORANGE, name_line, new_figure
from style import plain_numbers

TITLE = "Writing with the cache and without it"
DESCRIPTION = (
    "Tokens a second over the length of the text. With the cache the line "
    "stays nearly flat; without it, it falls as the text grows."
)
INPUTS = ["benchmarks/results/writing.json"]


def draw():
    summary = result("writing")["summary"]
    ours, without = {}, {}
    for case, figures in summary.items():
        if case.startswith("cache, "):
            values = figures["tokens_per_s"]["values"]
            context = int(case.split()[1])
            ours[context] = values["cache"]["median"]
            without[context] = values["no_cache"]["median"]
    figure, (ax,) = new_figure(310)
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    for found, name, colour in (
        (ours, "with the cache", BLUE),
        (without, "without", ORANGE),
    ):
        ax.plot(*zip(*found.items()), "o-", color=colour)
        name_line(ax, *list(found.items())[-1], name, colour)
    ax.set_xlim(min(ours) / 1.1, max(ours) * 1.7)
    plain_numbers(ax.xaxis, ax.yaxis)
    ax.set_xticks(list(ours))
    ax.grid(axis="y")
    ax.set_xlabel("tokens before")
    ax.set_ylabel("tokens a second")
    ax.tick_params(colors=MUTED, labelcolor=INK)
    return figure
