# SPDX-License-Identifier: MIT
"""Speed of writing and of reading a prompt, by precision and by how much text
is there already; llama.cpp's best setting beside it. Takes whatever precisions
and contexts decode.json has."""

import re

from runner import result
from style import BLUE, GREEN, INK, MUTED, ORANGE, name_line, new_figure
from style import plain_numbers

TITLE = "SmolLM2-135M: tokens a second by precision and context"
DESCRIPTION = (
    "Two panels of lines over the number of tokens before: writing and reading "
    "a prompt. Solid lines are this course, dashed ones llama.cpp. Fewer bits "
    "write faster; a longer text is slower."
)
INPUTS = ["benchmarks/results/decode.json"]
PRECISIONS = (
    ("q4", "4 bits", BLUE),
    ("q8", "8 bits", GREEN),
    ("fp32", "float32", ORANGE),
)
PANELS = (
    ("decode_tokens_per_s", "Writing"),
    ("prefill_tokens_per_s", "Reading a prompt"),
)


def curves(summary, figure, precision):
    """({context: ours}, {context: llama.cpp's best}) of the most threads."""
    found = {}
    for case, figures in summary.items():
        name = re.fullmatch(r"(\w+), (\d+) threads?, (\d+) tokens", case)
        if name and name[1] == precision and figure in figures:
            values = figures[figure]["values"]
            found.setdefault(int(name[2]), {})[int(name[3])] = values
    best = found[max(found)] if found else {}
    ours, theirs = {}, {}
    for context, values in sorted(best.items()):
        others = [v["median"] for k, v in values.items() if k[:5] == "llama"]
        if "cpp" in values:
            ours[context] = values["cpp"]["median"]
        if others:
            theirs[context] = max(others)
    return ours, theirs


def draw():
    summary = result("decode")["summary"]
    figure, axes = new_figure(350, columns=2)
    for ax, (key, title) in zip(axes, PANELS):
        ax.set_title(title)
        ax.set_xscale("log", base=2)
        contexts = set()
        for precision, name, colour in PRECISIONS:
            ours, theirs = curves(summary, key, precision)
            if ours:
                ax.plot(*zip(*ours.items()), "o-", color=colour)
                name_line(ax, *list(ours.items())[-1], name, colour)
            if theirs:
                points = zip(*theirs.items())
                ax.plot(*points, "o--", color=colour, alpha=0.6, markersize=4)
            contexts |= ours.keys() | theirs.keys()
        ax.set_ylim(bottom=0)
        ax.set_xlim(min(contexts) / 1.15, max(contexts) * 1.6)
        plain_numbers(ax.xaxis, ax.yaxis)
        ax.set_xticks(sorted(contexts))
        ax.grid(axis="y")
        ax.set_xlabel("tokens before")
        ax.tick_params(colors=MUTED, labelcolor=INK)
    axes[0].set_ylabel("tokens a second")
    figure.text(
        0.985, 0.975, "dashed: llama.cpp", ha="right", va="top", color=MUTED
    )
    return figure
