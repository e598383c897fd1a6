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
    panels = _panels(T)
    with styled():
        head, each = 0.45 if title else 0.15, layers * ROW + 0.5
        height = head + len(panels) * each + 0.62
        across = max(len(panel) for panel in panels)
        cell = min(0.75, (WIDTH - LEFT - 0.1) / across)
        width = max(LEFT + across * cell + 0.1, 3.0)
        figure = new_figure(width, height, title)
        for n, panel in enumerate(panels):
            box = (LEFT, head + n * each + 0.3, len(panel) * cell, layers * ROW)
            ax = bare(axes_at(figure, *box))
            part = [row[panel.start : panel.stop] for row in top]
            image = _cells(ax, part, values[:, panel], measure, cell)
            _axes_text(ax, tokens, panel, layers, cell)
            _ring(ax, part, tokens, panel)
        colour_bar(
            figure, image, name, LEFT, height - 0.5, ticks=_ticks(measure)
        )
        return figure


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
                    )
                )
