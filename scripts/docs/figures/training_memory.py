# SPDX-License-Identifier: MIT
"""Memory and speed of a training step, in several ways."""

from runner import result
from style import BLUE, MUTED, bars, new_figure

TITLE = "What makes training take less memory"
DESCRIPTION = (
    "Left: the highest memory of training as it is, in four micro-batches, "
    "with blocks computed again, and both. Right: the tokens a second of each."
)
INPUTS = ["benchmarks/results/training_memory.json"]
NAMES = {
    "as_it_is": "as it is",
    "micro_batches": "four micro-batches",
    "computed_again": "blocks computed again",
    "both": "both",
    "bf16": "products in bfloat16",
}


def draw():
    summary = result("training_memory")["summary"]
    figure, (left, right) = new_figure(240, columns=2)
    for ax, key, title, colour in (
        (left, "memory_mib", "MiB", BLUE),
        (right, "tokens_per_s", "Tokens a second", MUTED),
    ):
        values = summary[key]["values"]
        rows = [
            (name if ax is left else "", values[way]["median"], colour)
            for way, name in NAMES.items()
            if way in values
        ]
        bars(ax, rows, "", room=1.35)
        ax.set_title(title)
    return figure
