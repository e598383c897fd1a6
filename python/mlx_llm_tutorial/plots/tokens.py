# SPDX-License-Identifier: MIT
"""A text as its tokens, coloured by how surprising each was."""

import numpy as np
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.patches import FancyBboxPatch

from . import colours as c
from .checks import fail, numbers, shape_text, texts
from .style import (
    WIDTH,
    axes_at,
    bare,
    colour_bar,
    mono_inches,
    new_figure,
    styled,
)
from .text import columns, families, fitted, visible

SIZE = 9  # points
LINE = 0.235  # inches
MOST_BITS = 12  # the darkest
UNLIKELY = np.log(0.05)


def token_strip(tokens, logprobs, *, title=None):
    """A text, each token coloured by its surprise -log2 p: from white, which is
    expected, to orange, 12 bits and more. Tokens with p < 5 % are underlined.

    tokens: n texts (str or bytes). logprobs [n]: natural logarithms of their
    probabilities, in nats; NaN for tokens that were not predicted (the first,
    or a prompt). The colours are in bits, as on the page: 1 nat = 1.44 bits.
    """
    logprobs = _logprobs(logprobs)
    tokens = texts("token_strip", "tokens", tokens, len(logprobs))
    # Finite, since Matplotlib takes infinity for a gap.
    surprise = np.clip(-logprobs / np.log(2), 0, 1e6)
    left, top = 0.1, 0.36 if title else 0.06
    room = int((WIDTH - 2 * left) / mono_inches(1, SIZE))
    pieces, lines = _wrap(tokens, room)
    with styled():
        height = top + lines * LINE + 0.55
        figure = new_figure(WIDTH, height, title)
        ax = bare(axes_at(figure, left, top, WIDTH - 2 * left, lines * LINE))
        ax.set(xlim=(0, room), ylim=(lines, 0), xticks=[], yticks=[])
        boxes = _draw(ax, pieces, surprise, logprobs)
        colour_bar(
            figure,
            boxes,
            "surprise, −log₂ p (bits)",
            left,
            top + lines * LINE + 0.12,
            ticks=range(0, MOST_BITS + 1, 2),
        )
        _note(figure, logprobs, left)
        return figure


def _logprobs(value):
    found = numbers("token_strip", "logprobs", value)
    if found.ndim != 1 or not found.size:
        fail("token_strip", "logprobs [n]", shape_text(found.shape))
    if np.any(found > 1e-4):
        at = int(np.argmax(found > 1e-4))
        fail(
            "token_strip",
            "logprobs of at most 0 (nats)",
            f"{found[at]:g} at {at}",
            "pass log p, not p",
        )
    return np.minimum(found, 0)


def _wrap(tokens, room):
    """[(token's index, line, column, text)] and the number of lines. A line end
    breaks the line after its mark; a token longer than a line is cut up."""
    pieces, line, column = [], 0, 0
    for i, token in enumerate(tokens):
        text = visible(token)
        width = columns(text)
        if column and column + width > room:
            line, column = line + 1, 0
        while width > room:
            head = fitted(text, room)[:-1]
            pieces.append((i, line, 0, head))
            text = text[len(head) :]
            line, width = line + 1, columns(text)
        pieces.append((i, line, column, text))
        column += width
        ends = "\n" if isinstance(token, str) else b"\n"
        breaks = len(token) - len(token.rstrip(ends))
        if breaks:
            line, column = line + breaks, 0
    return pieces, line + (column > 0)


def _draw(ax, pieces, surprise, logprobs):
    boxes, under = [], []
    for i, line, column, text in pieces:
        width = columns(text)
        box = FancyBboxPatch(
            (column + 0.06, line + 0.1),
            width - 0.12,
            0.8,
            boxstyle="round,pad=0,rounding_size=0.45",
            mutation_aspect=mono_inches(1, SIZE) / LINE,
        )
        boxes.append(box)
        if logprobs[i] < UNLIKELY:
            y = line + 0.83
            under.append([(column + 0.15, y), (column + width - 0.15, y)])
        _write(ax, column, line, text)
    patches = PatchCollection(boxes, cmap=c.HEAT_SCALE, edgecolor="none")
    patches.set_clim(0, MOST_BITS)
    values = surprise[[piece[0] for piece in pieces]]
    patches.set_array(np.ma.masked_where(np.isnan(values), values))
    ax.add_collection(patches)
    ax.add_collection(
        LineCollection(under, colors=c.INK, linewidths=1.1, linestyles=":")
    )
    return patches


def _write(ax, column, line, text):
    ax.text(
        column + columns(text) / 2,
        line + 0.5,
        text,
        fontsize=SIZE,
        family=families(),
        ha="center",
        va="center_baseline",
    )


def _note(figure, logprobs, left):
    known = logprobs[~np.isnan(logprobs)]
    if not known.size:
        return
    width, height = figure.get_size_inches()
    figure.text(
        1 - left / width,
        0.36 / height,
        f"mean surprise {-known.mean():.3f} nats per token; "
        "dotted line: p below 5 %",
        ha="right",
        va="center",
        fontsize=7.5,
        color=c.INK_3,
    )
