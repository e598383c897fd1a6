# SPDX-License-Identifier: MIT
"""The logit lens (nostalgebraist 2020): what the model would say next if each
layer were its last one. Follow a column upwards and watch the answer form.
Limit: early layers were never trained to speak through the model's own head."""

import numpy as np
from matplotlib.colors import FuncNorm, PowerNorm
from matplotlib.patches import Rectangle

from . import colours as c
from .checks import array, fail, one_of, texts
from .style import (
    MONO_EM,
    SMALL,
    WIDTH,
    axes_at,
    bare,
    colour_bar,
    grid,
    new_figure,
    styled,
)
from .text import families, fitted, label, visible

ROW = 0.155  # inches
CELL = 0.44  # inches, at least: room for 7 characters
LEFT = 0.85
FAR = 50  # nats, the darkest

MEASURES = {
    "probability": ("probability of the token (share of 1)", (0, 1)),
    "kl": ("KL to the model's output (nats)", (0, None)),
}


def logit_lens(top, values, tokens, *, measure="probability", title=None):
    """A table: layers up, positions across, in each cell the likeliest token.

    top: L lists of T texts; the first is what the embeddings say, the last the
    model's output. values: [L, T], coloured: probabilities of those tokens, or
    with measure="kl" the KL(output || layer) in nats. tokens: the T texts that
    were read. A ring marks the token that really comes next. Many positions
    are set in several rows.
    """
    where = "logit_lens"
    name, (low, high) = MEASURES[
        one_of(where, "measure", measure, list(MEASURES))
    ]
    values = array(where, "values", values, "[L, T]", low=low, high=high)
    layers, T = values.shape
    tokens = texts(where, "tokens", tokens, T)
    top = _top(where, top, layers, T)
    with styled():
        figure, image = _draw(top, values, tokens, measure, title)
        height = figure.get_size_inches()[1]
        ticks = _ticks(measure)
        colour_bar(figure, image, name, LEFT, height - 0.5, ticks=ticks)
        _note(figure)
        return figure


def _draw(top, values, tokens, measure, title):
    """The figure with its panels, and the image of the last one."""
    layers, T = values.shape
    panels = _panels(T)
    head, each = 0.34 if title else 0.05, layers * ROW + 0.46
    cell = min(0.75, (WIDTH - LEFT - 0.1) / max(map(len, panels)))
    width = max(LEFT + max(map(len, panels)) * cell + 0.1, 3.0)
    figure = new_figure(width, head + len(panels) * each + 0.62, title)
    for n, panel in enumerate(panels):
        place = (LEFT, head + n * each + 0.05)
        ax = bare(axes_at(figure, *place, len(panel) * cell, layers * ROW))
        part = [row[panel.start : panel.stop] for row in top]
        image = _cells(ax, part, values[:, panel], measure, cell)
        _axes_text(ax, tokens, panel, layers, cell)
        _ring(ax, part, tokens, panel)
    return figure, image


def _top(where, top, layers, T):
    try:
        rows = [list(row) for row in top]
    except TypeError:
        fail(where, f"top tokens [{layers}, {T}]", type(top).__name__)
    lengths = sorted({len(row) for row in rows})
    if len(rows) != layers or lengths != [T]:
        received = f"{len(rows)} layers of {' or '.join(map(str, lengths))}"
        fail(where, f"top tokens [{layers}, {T}]", received)
    return [texts(where, "top tokens", row, T) for row in rows]


def _panels(T):
    """Ranges of positions, as equal as can be, each of which fits a page."""
    most = int((WIDTH - LEFT - 0.1) / CELL)
    count = -(-T // most)
    bounds = [n * T // count for n in range(count + 1)]
    return [range(a, b) for a, b in zip(bounds, bounds[1:])]


def _norm(measure):
    if measure == "probability":
        return PowerNorm(0.5, 0, 1)
    return FuncNorm((np.log1p, np.expm1), 0, FAR, clip=True)


def _ticks(measure):
    if measure == "probability":
        return [0, 0.05, 0.2, 0.5, 1]
    return [0, 1, 5, 15, FAR]


def _cells(ax, top, values, measure, cell):
    image = ax.imshow(
        values,
        cmap=c.SCALE,
        norm=_norm(measure),
        origin="lower",
        aspect="auto",
    )
    grid(ax, values.shape)
    room = int(cell / (MONO_EM * SMALL / 72))
    for (i, j), value in np.ndenumerate(values):
        ax.text(
            j,
            i,
            fitted(visible(top[i][j]), room),
            ha="center",
            va="center_baseline",
            fontsize=SMALL,
            family=families(),
            color=c.ink_on(image.to_rgba(value)),
        )
    return image


def _axes_text(ax, tokens, panel, layers, cell):
    room = int(cell / (MONO_EM * SMALL / 72))
    names = [label(tokens[t], room) for t in panel]
    ax.set_xticks(
        range(len(panel)),
        names,
        fontsize=SMALL,
        family=families(),
        parse_math=False,
    )
    ax.set_yticks(range(layers), _layer_names(layers), fontsize=SMALL)
    ax.tick_params(pad=2)
    ax.set_xlabel(f"token read (positions {panel[0]} to {panel[-1]})")
    ax.xaxis.labelpad = 1
    if panel.start == 0:
        ax.set_ylabel("layer")


def _layer_names(layers):
    """Every layer that has room; the ends by what they are."""
    names = [str(n) for n in range(layers)]
    names[0] = "embeddings"
    if layers > 1:
        names[-1] = "output"
    return names


def _note(figure):
    width, height = figure.get_size_inches()
    figure.text(
        1 - 0.1 / width,
        0.41 / height,
        "ring: the token\nthat really comes next",
        ha="right",
        va="center",
        fontsize=7.5,
        color=c.HEAT_LINE,
    )


def _ring(ax, top, tokens, panel):
    for j, t in enumerate(panel):
        for i, row in enumerate(top):
            if t + 1 < len(tokens) and row[j] == tokens[t + 1]:
                ax.add_patch(
                    Rectangle(
                        (j - 0.47, i - 0.46),
                        0.94,
                        0.92,
                        fill=False,
                        edgecolor=c.HEAT_LINE,
                        linewidth=1.3,
                        zorder=3,
                    )
                )
