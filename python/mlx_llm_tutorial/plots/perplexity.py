# SPDX-License-Identifier: MIT
"""How surprised models are by texts of several kinds."""

import numpy as np

from . import colours as c
from .checks import array, mapping, numbers
from .style import new_figure, styled

HATCHES = ["", "////", "....", "\\\\\\\\", "xxxx", "||||"]


def perplexity_by_category(perplexities, *, title=None):
    """How surprised a model is by texts of several kinds, as bars: perplexity
    = exp(mean loss), the number of tokens it hesitates between; 1 is certain.

    perplexities: {category: perplexity}, or {model: {category: perplexity}};
    each is 1 or more. A category that a model lacks has no bar.
    """
    where = "perplexity_by_category"
    models = mapping(where, "perplexities", perplexities)
    if not all(hasattr(x, "items") for x in models.values()):
        models = {"": models}
    models = {
        name: mapping(where, "perplexities", x) for name, x in models.items()
    }
    kinds = list(dict.fromkeys(kind for x in models.values() for kind in x))
    table = {
        name: [_perplexity(where, kind, x.get(kind)) for kind in kinds]
        for name, x in models.items()
    }
    with styled():
        thick = 0.2 if len(models) > 1 else 0.3
        inside = len(kinds) * (len(models) * thick + 0.14)
        height = inside + 0.55 + (0.3 if title else 0) + 0.2 * (len(models) > 1)
        figure = new_figure(5.6, height, title, layout="constrained")
        ax = figure.add_subplot()
        for n, (name, values) in enumerate(table.items()):
            _bars(ax, n, len(table), name, values, thick)
        ax.set_yticks(range(len(kinds)), kinds, fontsize=8, color=c.INK)
        ax.set_ylim(len(kinds) - 0.5, -0.5)
        ax.tick_params(axis="y", length=0)
        ax.margins(x=0.13)
        ax.xaxis.set_major_formatter("{x:,g}")
        ax.set_xlabel("perplexity (tokens; less is better)")
        ax.grid(axis="x")
        if len(models) > 1:
            figure.legend(loc="outside lower left", ncols=min(4, len(models)))
        return figure


def _perplexity(where, kind, value):
    if value is None:
        return np.nan
    name = f"perplexity of {kind}"
    found = numbers(where, name, value).reshape(-1)
    return float(array(where, name, found, "[1]", low=1)[0])


def _bars(ax, n, count, name, values, thick):
    pitch = count * thick + 0.14
    height = thick / pitch
    places = np.arange(len(values)) + (n - (count - 1) / 2) * height
    ax.barh(
        places,
        values,
        height * 0.86,
        color=c.SERIES[n % len(c.SERIES)],
        hatch=HATCHES[n % len(HATCHES)],
        edgecolor=c.SURFACE,
        linewidth=0,
        label=name or "_",
    )
    for y, value in zip(places, values):
        if np.isfinite(value):
            ax.annotate(
                f"{value:,.1f}" if value >= 100 else f"{value:.2f}",
                (value, y),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize=7.5,
                color=c.INK_2,
            )
