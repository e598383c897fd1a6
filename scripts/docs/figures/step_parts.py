# SPDX-License-Identifier: MIT
"""What a training step is made of, with MLX's own operations and with ours."""

from runner import result
from style import BLUE, MUTED, bars, new_figure

TITLE = "What a training step is made of"
DESCRIPTION = (
    "For each kind of operation two bars of milliseconds: MLX's own CPU "
    "operations and ours."
)
INPUTS = ["benchmarks/results/step_parts.json"]
WHOLE = "the whole step"


def draw():
    summary = result("step_parts")["summary"]
    found = {part: figures["ms"]["values"] for part, figures in summary.items()}
    parts = [part for part in found if part != WHOLE]
    parts.sort(key=lambda part: -found[part]["cpp_plain"]["median"])
    rows = []
    for part in parts:
        values = found[part]
        rows.append((part, values["cpp"]["median"], BLUE))
        rows.append(("", values["cpp_plain"]["median"], MUTED))
        rows.append(("", None, None))
    figure, (ax,) = new_figure(50 + 19 * len(rows))
    bars(ax, rows[:-1], "ms", places=1)
    ax.set_title("This course (blue) and MLX's own operations (grey)")
    return figure
