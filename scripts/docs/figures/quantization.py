# SPDX-License-Identifier: MIT
"""What fewer bits a weight cost, for a small model and a larger one."""

from runner import result
from style import BLUE, INK, MUTED, ORANGE, name_line, new_figure
from style import plain_numbers

TITLE = "The cost of fewer bits"
DESCRIPTION = (
    "How much the loss grows over the bits a weight takes, both logarithmic: "
    "next to nothing at eight bits, more with every bit less."
)
INPUTS = ["benchmarks/results/quantization.json"]
MODELS = (
    ("tales", "the default model", BLUE, (-10, -12, "right")),
    ("smollm2", "SmolLM2-135M, packed again", ORANGE, (10, 12, "left")),
)
GROUP, LEAST = 32, 1e-4  # what costs less is drawn there


def draw():
    r = result("quantization")
    figure, (ax,) = new_figure(340)
    ax.set_yscale("log")
    for key, name, colour, place in MODELS:
        points = [
            (p["bits"], max(p["more_nats"], LEAST))
            for p in r[key]["by_setting"].values()
            if p["group_size"] == GROUP and p["embedding_bits"] == p["bits"]
        ]
        points.sort()
        ax.plot(*zip(*points), "o-", color=colour)
        name_line(ax, *points[len(points) // 2], name, colour, *place)
    ax.axhline(0.01, color=MUTED, linewidth=1, linestyle=(0, (5, 3)))
    ax.text(2, 0.0062, "one percent of perplexity", color=MUTED)
    ax.set_ylim(bottom=LEAST / 1.5)
    plain_numbers(ax.xaxis, ax.yaxis)
    ax.set_xticks([2, 3, 4, 5, 6, 8])
    ax.grid(axis="y")
    ax.set_xlabel(f"bits (and a scale and a bias for each group of {GROUP})")
    ax.set_ylabel("nats more than float32")
    ax.tick_params(colors=MUTED, labelcolor=INK)
    return figure
