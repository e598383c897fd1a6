# SPDX-License-Identifier: MIT
"""Figures of the benchmarks: small PNG files beside the results."""

import matplotlib

matplotlib.use("Agg")  # no window
import matplotlib.pyplot as plt
from matplotlib import ticker
from support.record import results

COLORS = {"cpp": "#1f77b4", "torch": "#d62728"}
NAMES = {"cpp": "this project", "torch": "PyTorch"}


def axes(columns=1, width=4.2, height=3.6):
    figure, found = plt.subplots(
        1,
        columns,
        figsize=(width * columns, height),
        squeeze=False,
        sharey=True,
    )
    for ax in found[0]:
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_minor_locator(ticker.NullLocator())
        for axis in (ax.xaxis, ax.yaxis):  # 0.5 and not 5 x 10^-1
            axis.set_major_formatter("{x:g}")
        ax.grid(True, alpha=0.3, linewidth=0.5)
    return figure, list(found[0])


def save(figure, name):
    figure.tight_layout()
    results().mkdir(parents=True, exist_ok=True)
    path = results() / f"{name}.png"
    # No date and no version inside: the same data gives the same file.
    figure.savefig(path, dpi=90, metadata={"Software": None})
    plt.close(figure)
    return path
