# SPDX-License-Identifier: MIT
"""A training step of the nano preset, beside others."""

from runner import result
from style import BLUE, MUTED, bars, new_figure

TITLE = "Milliseconds of a training step, nano preset, two CPU cores"
DESCRIPTION = (
    "Bars: this course, with products in bfloat16, PyTorch, PyTorch compiled, "
    "and MLX with its own operations."
)
INPUTS = ["benchmarks/results/step_time.json"]
NAMES = {
    "cpp_bf16": ("this course, products in bfloat16", BLUE),
    "cpp": ("this course", BLUE),
    "torch_compile": ("PyTorch, compiled", MUTED),
    "torch": ("PyTorch", MUTED),
    "mlx_python_compile": ("MLX in Python, mx.compile", MUTED),
    "mlx_python": ("MLX in Python", MUTED),
    "cpp_plain": ("this course, MLX's own operations", MUTED),
}


def draw():
    found = result("step_time")["milliseconds"]
    rows = [
        (name, found[key]["median"], colour)
        for key, (name, colour) in NAMES.items()
        if key in found
    ]
    rows.sort(key=lambda row: row[1])
    figure, (ax,) = new_figure(30 + 30 * len(rows))
    bars(ax, rows, "ms")
    return figure
