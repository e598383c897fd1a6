# SPDX-License-Identifier: MIT
"""Loss curves beside what counting letters reaches (the n-gram ladder) and what
no model can pass (the entropy of the source): the same picture as the page's
training view."""

import dataclasses

import numpy as np
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from . import colours as c
from .checks import fail
from .references import common_references, draw_references
from .runs import as_runs, pairs, smooth
from .style import WIDTH, new_figure, styled

HEIGHT = 3.6
MARKERS = "osD^vP"
DASHES = ["-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (5, 1.5, 1, 1.5))]


def loss_curves(
    runs,
    *,
    validation=None,
    ladder=None,
    floor=None,
    keep=0.9,
    log=True,
    title=None,
):
    """Loss in nats per token against training steps, of one or several runs.

    runs: a metrics.jsonl or the folder of a run; a list of its records; losses
    [N] of steps 1 to N, or pairs [N, 2] of (step, loss); a list of paths, or a
    dict {name: any of these}. validation: pairs for a single run of numbers.
    ladder: {n: loss} or the records of an n-gram ladder, floor: the entropy of
    the source; without them what the first line of metrics.jsonl says ({} and
    False: none). keep: of the old mean in each smoothed point, 0 to below 1.
    The raw losses stand behind in pale.
    """
    found = as_runs(runs)
    if validation is not None:
        if len(found) != 1:
            fail("loss_curves", "validation for one run", f"{len(found)} runs")
        dots = pairs("validation", validation)
        found = [dataclasses.replace(found[0], validation=dots)]
    if not 0 <= keep < 1:
        fail("loss_curves", "keep from 0 to below 1", keep)
    if not any(run.train or run.validation for run in found):
        fail("loss_curves", "at least one loss", "none")
    with styled():
        figure = new_figure(WIDTH, HEIGHT, title, layout="constrained")
        bars, bottom = common_references(found, ladder, floor)
        draw_curves(figure, found, bars, bottom, keep, log)
        return figure


def draw_curves(figure, runs, ladder, floor, keep, log):
    ax = figure.add_subplot()
    curves = [smooth(run.train, keep) for run in runs]
    low, high, log = _range(runs, curves, ladder, floor, log)
    for n, (run, curve) in enumerate(zip(runs, curves)):
        _draw_run(ax, run, curve, n, len(runs))
    last = [p[0] for run in runs for p in run.train + run.validation]
    planned = [run.steps for run in runs]
    ax.set_xlim(0, max([*planned, *last, 1]))
    if log:
        ax.set_yscale("log")
    ax.set_ylim(low, high)
    _y_ticks(ax, low, high, log)
    ax.grid(axis="y")
    ax.xaxis.set_major_locator(MaxNLocator(7, integer=True))
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.set(xlabel="training steps", ylabel="loss (nats per token)")
    draw_references(ax, ladder, floor)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="best", ncols=1 + len(runs) // 7)


def _range(runs, curves, ladder, floor, log):
    """Lowest and highest loss shown, and whether the scale may be by powers."""
    values = [y for curve in curves for _, y in curve]
    values += [y for run in runs for _, y in run.validation if np.isfinite(y)]
    if not values:
        values = [1.0]
    least = [min(values), *([] if floor is None else [floor])]
    if ladder:
        least.append(min(ladder.values()))
    log = log and min(least) > 0
    if log:
        return 0.9 * min(least), 1.06 * max(values), True
    return min(0, *least), 1.05 * max(*values, 1e-9), False


def _draw_run(ax, run, curve, n, count):
    colour = c.SERIES[n % len(c.SERIES)]
    raw = np.array(run.train).reshape(-1, 2).T
    mean = np.array(curve).reshape(-1, 2).T
    dots = np.array(run.validation).reshape(-1, 2).T
    alone = count == 1
    name = run.name or f"run {n + 1}"
    line = "training, smoothed" if alone else name
    ax.plot(*raw, color=colour, alpha=0.28, linewidth=0.7, label="_raw")
    if mean.size:
        style = DASHES[n // len(c.SERIES) % len(DASHES)]
        ax.plot(*mean, color=colour, lw=1.7, ls=style, label=line)
    if dots.size:
        ax.plot(
            *dots,
            linestyle="none",
            marker=MARKERS[n % len(MARKERS)],
            color=c.HEAT_LINE if alone else colour,
            markersize=5,
            markeredgecolor=c.SURFACE,
            markeredgewidth=0.8,
            label="validation" if alone else f"{name}, validation",
            zorder=4,
            clip_on=False,
        )


def _y_ticks(ax, low, high, log):
    ax.yaxis.set_minor_locator(NullLocator())
    if log:
        powers = range(int(np.floor(np.log10(low))), 9)
        ticks = [m * 10.0**e for e in powers for m in (1, 2, 5)]
        inside = [x for x in ticks if low <= x <= high]
        if len(inside) < 3:  # a narrow range
            inside = _round_numbers(low, high)
        ax.yaxis.set_major_locator(FixedLocator(inside))
    ax.yaxis.set_major_formatter("{x:g}")


def _round_numbers(low, high):
    raw = (high - low) / 5
    power = 10.0 ** np.floor(np.log10(raw))
    step = next(s * power for s in (1, 2, 5, 10) if s * power >= raw)
    first = np.ceil(low / step)
    return [step * i for i in np.arange(first, high / step + 1e-9)]
