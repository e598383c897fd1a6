# SPDX-License-Identifier: MIT
"""What two heads of the default model look at: the one that looks most at the
letter before, and the one that looks furthest back."""

from runner import result
from style import BLUE, INK, MUTED, ORANGE, new_figure, shades

TITLE = "What two heads of a trained model look at"
DESCRIPTION = (
    "Two triangles of squares, a row for each letter that reads, a column for "
    "each letter that it looks at. In the left one the dark squares lie near "
    "the diagonal, in the right one further from it."
)
INPUTS = ["benchmarks/results/attention.json"]


def draw():
    r = result("attention")
    letters = ["·" if t == " " else t for t in r["tokens"]]
    figure, axes = new_figure(430, columns=2)
    kinds = (("previous", BLUE), ("distance", ORANGE))
    for ax, (kind, colour) in zip(axes, kinds):
        found = r["maps"][kind]
        size = len(letters)
        cells = [row + [0] * (size - len(row)) for row in found["rows"]]
        shades(ax, cells, colour)
        ax.plot([0, size, 0, 0], [0, size, size, 0], color=MUTED, linewidth=1)
        where = f"layer {found['layer'] + 1}, head {found['head'] + 1}"
        ax.set_title(f"{where}: {text_of(kind, found)}", fontsize=13)
        ax.axis("off")
        for i, letter in enumerate(letters):
            small = {"fontsize": 7.5, "color": INK, "va": "center"}
            ax.text(-0.6, i + 0.5, letter, ha="right", **small)
            ax.text(i + 0.5, size + 1, letter, ha="center", **small)
    return figure


def text_of(kind, found):
    if kind == "previous":
        return f"{found['previous']:.0%} on the letter before"
    return f"{found['distance']:.1f} letters back, as a mean"
