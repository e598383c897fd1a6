# SPDX-License-Identifier: MIT
"""The roof of a machine, and where our programs are under it."""

from runner import result
from style import BLUE, GREEN, INK, MUTED, ORANGE, name_line, new_figure
from style import plain_numbers

TITLE = "The roof of a two-core machine"
DESCRIPTION = (
    "Operations a second over operations a byte, both logarithmic. A slope "
    "that memory sets meets a flat roof that the cores set. Writing lies at "
    "the left under the slope, prompts and training at the right under the "
    "roof."
)
INPUTS = ["benchmarks/results/roofline.json"]
NAMES = {"q4": "4 bits", "q8": "8 bits", "fp32": "float32"}


def draw():
    r = result("roofline")
    flops, reading = r["gflop_per_s"], r["read_gb_per_s"]
    figure, (ax,) = new_figure(380)
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    left, ridge, right = 0.25, flops / reading, 2048
    ax.plot([left, ridge, right], [left * reading, flops, flops], color=INK)
    ax.fill_between(
        [left, ridge, right],
        [left * reading, flops, flops],
        1,
        color=MUTED,
        alpha=0.1,
        linewidth=0,
    )
    ax.text(right, flops * 1.08, f"{flops:.0f} GFLOP/s: the cores", ha="right")
    ax.text(
        ridge / 2.2, flops * 0.62, f"{reading:.0f} GB/s: memory", ha="right"
    )
    for point in r["points"]:
        kind, _, what = point["name"].partition(", ")
        colour = {"training step": GREEN}.get(kind, ORANGE)
        colour = BLUE if kind.startswith("decode") else colour
        x, y = point["flop_per_byte"], point["gflop_per_s"]
        ax.plot([x], [y], "o", color=colour, markersize=8)
        text = "training step" if colour == GREEN else NAMES.get(what, what)
        if colour == BLUE:
            name_line(ax, x, y, f"write, {text}", colour, dx=9, dy=-3)
        elif colour == GREEN:
            name_line(ax, x, y, text, colour, dx=-9, ha="right")
        else:
            name_line(ax, x, y, text, colour, dx=0, dy=-15, ha="center")
    where = {"color": ORANGE, "fontsize": 12, "ha": "center"}
    ax.text(230, flops * 0.46, "reading a prompt", **where)
    ax.set_xlim(left, right)
    ax.set_ylim(5, flops * 1.6)
    plain_numbers(ax.xaxis, ax.yaxis)
    ax.set_xlabel("operations for each byte that must move")
    ax.set_ylabel("GFLOP/s reached")
    ax.tick_params(colors=MUTED, labelcolor=INK)
    return figure
