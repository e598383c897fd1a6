# SPDX-License-Identifier: MIT
"""Memory of a training step and of writing with SmolLM2, beside others."""

from runner import result
from style import BLUE, MUTED, bars, new_figure

TITLE = "Memory of a training step and of writing with SmolLM2-135M"
DESCRIPTION = (
    "Bars for this course and for PyTorch or llama.cpp at its best setting: "
    "one training step, then writing after 512 tokens in float32, 8 bits and "
    "4 bits."
)
INPUTS = ["benchmarks/results/memory.json"]
OURS = "this course"


def least(values, family):
    """The best setting of another one, in MiB, or None."""
    found = [v["median"] for k, v in values.items() if k.startswith(family)]
    return min(found, default=None)


def draw():
    summary = result("memory")["summary"]
    rows = []
    for case, figures in summary.items():
        values = figures["memory_mib"]["values"]
        work, _, rest = case.partition(", ")
        work = {"fp32": "float32", "q8": "8 bits", "q4": "4 bits"}.get(
            work, work
        )
        name = f"write, {work}" if rest else "training step, nano"
        rows.append((f"{name}: {OURS}", values["cpp"]["median"], BLUE))
        for family, other in (("torch", "PyTorch"), ("llama", "llama.cpp")):
            value = least(values, family)
            if value is not None:
                rows.append((other, value, MUTED))
        rows.append(("", None, None))
    figure, (ax,) = new_figure(36 + 26 * len(rows))
    bars(ax, rows[:-1], "MiB")
    ax.set_title("Memory beyond the program's own")
    return figure
