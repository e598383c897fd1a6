# SPDX-License-Identifier: MIT
"""Attention as pictures: all heads small, or one large. Queries go down, keys
across, as on the page; a weight's colour is its square root's, so that small
ones can be seen; what the causal mask hides is left empty."""

import numpy as np
from matplotlib import patheffects
from matplotlib.collections import PatchCollection
from matplotlib.colors import PowerNorm
from matplotlib.patches import Rectangle

from . import colours as c
from .checks import array, fail, numbers, shape_text, texts
from .style import (
    DPI,
    MONO_EM,
    SMALL,
    axes_at,
    bare,
    colour_bar,
    new_figure,
    styled,
)
from .text import columns, families, fitted, label

WEIGHT_TICKS = [0, 0.05, 0.2, 0.5, 1]
GAP = 0.08  # of a tile


def _weights(where, value, causal, *shapes):
    """Weights with the masked part masked."""
    weights = array(where, "weights", value, *shapes, low=0, high=1)
    weights = weights.clip(0, 1)
    if not causal:
        return np.ma.asarray(weights)
    ahead = np.triu(np.ones(weights.shape[-2:], dtype=bool), 1)
    if weights[..., ahead].max(initial=0) > 1e-6:
        seen = np.argwhere(ahead & (weights > 1e-6))
        at = tuple(int(i) for i in seen[0])
        fail(
            where,
            "no weight above the diagonal",
            f"{weights[at]:g} at query {at[-2]}, key {at[-1]}",
            "pass causal=False if queries may look ahead",
        )
    return np.ma.array(weights, mask=np.broadcast_to(ahead, weights.shape))


def pooled(weights, size):
    """[T, T] -> [s, s], s = min(T, size): cell (i, j) is the largest of rows
    floor(i T / s) .. floor((i + 1) T / s) - 1 and the same columns, so that a
    thin line stays. Cells without any weight stay masked."""
    T = len(weights)
    s = min(T, size)
    starts = np.arange(s) * T // s
    filled = np.ma.filled(weights, -1.0)
    rows = np.maximum.reduceat(filled, starts, axis=0)
    return np.ma.masked_less(np.maximum.reduceat(rows, starts, axis=1), 0)


# --- all heads ---------------------------------------------------------------


def attention_grid(weights, *, scores=None, title=None, causal=True):
    """All heads of one layer or of all layers as small pictures.

    weights: [H, T, T] or [L, H, T, T], shares from 0 to 1, [.., query, key].
    scores: numbers or short texts in the shape [H] or [L, H], written into the
    tiles. `causal`: queries see no later key (else: an error). A picture of
    more tokens than it has pixels shows the largest weight of each block.
    """
    where = "attention_grid"
    weights = _weights(where, weights, causal, "[H, T, T]", "[L, H, T, T]")
    layered = weights.ndim == 4
    heads = weights.shape[-3]
    across = heads if layered else min(heads, 6)
    down = len(weights) if layered else -(-heads // across)
    scores = _scores(where, scores, weights.shape[:-2])
    tiles = weights.reshape(-1, *weights.shape[-2:])
    pitch = max(0.3, min(6.3 / across, 8.6 / down, 1.25))
    gap = np.array([GAP, GAP if layered else max(GAP, 0.17 / pitch)])
    with styled():
        figure, ax = _sheet(across, down, pitch, gap, title, layered)
        size = min(64, int(pitch * DPI))
        for n, tile in enumerate(tiles):
            corner = np.array([n % across, n // across]) * (1 + gap)
            _tile(ax, corner, pooled(tile, size))
            _badge(ax, corner, _score_text(scores[n], pitch), causal)
        _frames(ax, len(tiles), across, gap)
        _sheet_labels(ax, across, down, gap, heads, layered)
        _weight_bar(figure, ax)
        return figure


def _scores(where, scores, shape):
    """A text for each tile."""
    if scores is None:
        return [""] * int(np.prod(shape))
    if isinstance(scores, (list, tuple)):
        found = np.array(scores, dtype=object)  # texts or numbers
    else:
        found = numbers(where, "scores", scores)
    if found.shape != shape:
        wanted = f"scores {shape_text(shape)}"
        fail(where, wanted, shape_text(found.shape))
    return list(found.ravel())


def _score_text(score, pitch):
    """0.93; where there is little room .93 and 3.4."""
    if isinstance(score, str):
        return fitted(score, max(3, int(pitch / 0.056)))
    score = float(score)
    if pitch >= 0.45:
        return f"{score:.2f}"
    return (
        f"{score:.1f}"
        if abs(score) >= 0.995
        else f"{score:.2f}".replace("0.", ".")
    )


def _sheet(across, down, pitch, gap, title, layered):
    left, top = 0.55 if layered else 0.12, 0.24 if title else 0.05
    top += 0.42 if layered else 0.2
    unit = pitch / (1 + GAP)
    across_in = (across * (1 + gap[0]) - gap[0]) * unit
    down_in = (down * (1 + gap[1]) - gap[1]) * unit
    width = max(left + across_in + 0.1, 2.6)
    figure = new_figure(width, top + down_in + 0.62, title)
    ax = bare(axes_at(figure, left, top, across_in, down_in))
    return figure, ax


def _tile(ax, corner, values):
    x, y = corner
    ax.imshow(
        values,
        cmap=c.SCALE,
        norm=PowerNorm(0.5, 0, 1),
        extent=(x, x + 1, y + 1, y),
        aspect="auto",
    )


def _badge(ax, corner, text, causal):
    """In the empty corner; on a paper of its own where that is not empty."""
    if not text:
        return
    paper = {"facecolor": c.SURFACE, "edgecolor": "none", "pad": 0.8}
    edge = patheffects.withStroke(linewidth=1.6, foreground=c.SURFACE)
    ax.text(
        corner[0] + 0.97,
        corner[1] + 0.03,
        text,
        ha="right",
        va="top",
        path_effects=[edge],
        fontsize=SMALL,
        color=c.INK_2,
        bbox=None if causal else {**paper, "alpha": 0.8},
    )


def _frames(ax, count, across, gap):
    corners = [(n % across, n // across) * (1 + gap) for n in range(count)]
    ax.add_collection(
        PatchCollection(
            [Rectangle(corner, 1, 1) for corner in corners],
            facecolor="none",
            edgecolor=c.EDGE,
            linewidth=0.5,
            clip_on=False,
        )
    )


def _sheet_labels(ax, across, down, gap, heads, layered):
    x, y = (np.arange(n) * (1 + g) for n, g in zip((across, down), gap))
    ax.set(xlim=(0, x[-1] + 1), ylim=(y[-1] + 1, 0))
    if layered:
        ax.set_xticks(x + 0.5, range(across))
        ax.set_yticks(y + 0.5, range(down))
        ax.xaxis.tick_top()
        ax.xaxis.set_label_position("top")
        ax.tick_params(labelsize=SMALL, pad=2)
        ax.set_xlabel("head", labelpad=3)
        ax.set_ylabel("layer", labelpad=3)
        return
    ax.set(xticks=[], yticks=[])
    for n in range(heads):
        ax.text(
            x[n % across],
            y[n // across] - 0.02,
            f"head {n}",
            va="bottom",
            fontsize=SMALL,
            color=c.INK_2,
        )


def _weight_bar(figure, ax):
    """Below the axes, at their left edge."""
    height = figure.get_size_inches()[1]
    left = ax.get_position().x0 * figure.get_size_inches()[0]
    colour_bar(
        figure,
        ax.images[0],
        "attention weight (share of 1)",
        left,
        height - 0.5,
        ticks=WEIGHT_TICKS,
    )


# --- one head ----------------------------------------------------------------


def head(weights, tokens, *, title=None, causal=True):
    """One head's weights with the tokens on both axes.

    weights: [T, T], shares from 0 to 1, [query, key]. tokens: T texts (str or
    bytes). From 49 tokens on the axes show positions instead.
    """
    weights = _weights("head", weights, causal, "[T, T]")
    T = len(weights)
    tokens = texts("head", "tokens", tokens, T)
    named = T <= 48
    side = min(5.4, max(1.9, 0.2 * T)) if named else 5.4
    labels = [label(token) for token in tokens]
    widest = max(map(columns, labels)) * MONO_EM * 7 / 72 if named else 0.3
    left, top = widest + 0.42, widest + (0.58 if title else 0.36)
    with styled():
        size = (max(left + side + 0.12, 2.7), top + side + 0.62)
        figure = new_figure(*size, title)
        ax = axes_at(figure, left, top, side, side)
        ax.imshow(weights, cmap=c.SCALE, norm=PowerNorm(0.5, 0, 1))
        ax.xaxis.tick_top()
        ax.xaxis.set_label_position("top")
        ax.set_xlabel("key: the token looked at")
        ax.set_ylabel("query: the token that looks")
        if named:
            _name_axes(ax, labels)
        else:
            ax.set_xlabel("key: position looked at (tokens)")
            ax.set_ylabel("query: position that looks (tokens)")
        for spine in ax.spines.values():
            spine.set_visible(True)
        _weight_bar(figure, ax)
        return figure


def _name_axes(ax, labels):
    look = {"fontsize": SMALL, "family": families(), "parse_math": False}
    ax.set_xticks(range(len(labels)), labels, rotation=90, **look)
    ax.set_yticks(range(len(labels)), labels, **look)
    ax.tick_params(length=1.5, pad=1.5)
