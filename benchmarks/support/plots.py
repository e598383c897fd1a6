# SPDX-License-Identifier: MIT
"""Figures of the benchmarks: small PNG files beside the results."""

import matplotlib

matplotlib.use("Agg")  # no window
import matplotlib.pyplot as plt

from support.record import results

COLORS = {"cpp": "#1f77b4", "torch": "#d62728"}
NAMES = {"cpp": "this project", "torch": "PyTorch"}


def axes(columns=1, width=4.2, height=3.6):
    figure, found = plt.subplots(
        1, columns, figsize=(width * columns, height), squeeze=False
    )
    for ax in found[0]:
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        ax.grid(True, which="both", alpha=0.25, linewidth=0.5)
    return figure, list(found[0])


def save(figure, name):
    figure.tight_layout()
    results().mkdir(parents=True, exist_ok=True)
    path = results() / f"{name}.png"
    # No date and no version inside: the same data gives the same file.
    figure.savefig(path, dpi=90, metadata={"Software": None})
    plt.close(figure)
    return path
