# SPDX-License-Identifier: MIT
"""Embeddings seen from the side from which they differ most: the first two
principal components."""

import numpy as np

from . import colours as c
from .checks import array, fail, shape_text, texts
from .style import MONO_EM, new_figure, styled
from .text import columns, families, label

MARKERS = "osD^vP"
SIZE = 4.9  # inches of the plot's sides, about
FONT = 7.5
MOST_LABELS = 150


def embeddings_pca(vectors, labels=None, *, groups=None, title=None):
    """Vectors as points in the plane of their two principal components.

    vectors: [n, C], n >= 2, e.g. an embedding matrix. labels: n texts (tokens:
    str or bytes); where they would cover each other some are left out. groups:
    n names, a colour and a marker each. The axes say how much of the variance
    they show; each axis points to where its largest coordinate is positive.
    """
    where = "embeddings_pca"
    vectors = array(where, "vectors", vectors, "[n, C]")
    n = len(vectors)
    if n < 2 or vectors.shape[1] < 2:
        wanted = "vectors [n, C] with n and C of at least 2"
        fail(where, wanted, shape_text(vectors.shape))
    names = None if labels is None else texts(where, "labels", labels, n)
    groups = None if groups is None else texts(where, "groups", groups, n)
    points, shares = principal_components(vectors)
    with styled():
        figure = new_figure(SIZE + 0.9, SIZE, title, layout="constrained")
        ax = figure.add_subplot()
        _scatter(ax, points, groups)
        for axis, share, number in zip("xy", shares, ("first", "second")):
            text = f"{number} principal component ({share:.1%} of the variance)"
            getattr(ax, f"set_{axis}label")(text)
        ax.grid()
        ax.margins(0.08)
        ax.set_aspect("equal", adjustable="datalim")
        if names is not None:
            _labels(figure, ax, points, [label(x, 14) for x in names])
        return figure


def principal_components(vectors, k=2):
    """Coordinates [n, k] on the axes of largest variance, and their shares [k]
    of all variance."""
    x = np.asarray(vectors, dtype=np.float64)
    x = x - x.mean(axis=0)
    # The triangle of QR has the same axes, and is small when n is large.
    small = np.linalg.qr(x, mode="r") if len(x) > x.shape[1] else x
    _, sizes, axes = np.linalg.svd(small, full_matrices=False)
    points = x @ axes[:k].T
    largest = np.abs(points).argmax(axis=0)
    points *= np.where(points[largest, range(points.shape[1])] < 0, -1, 1)
    total = max(float((sizes**2).sum()), np.finfo(float).tiny)
    return points, sizes[:k] ** 2 / total


def _scatter(ax, points, groups):
    size = 14 if len(points) <= 500 else 4
    if groups is None:
        ax.scatter(*points.T, s=size, color=c.COOL, linewidths=0)
        return
    for n, name in enumerate(dict.fromkeys(groups)):
        part = points[[group == name for group in groups]]
        ax.scatter(
            *part.T,
            s=size + 4,
            color=c.SERIES[n % len(c.SERIES)],
            marker=MARKERS[(n + n // len(MARKERS)) % len(MARKERS)],
            linewidths=0,
            label=str(name),
        )
    ax.legend(loc="best", ncols=1 + len(dict.fromkeys(groups)) // 9)


def _labels(figure, ax, points, names):
    """Names beside their points, outermost first, where there is room."""
    figure.draw_without_rendering()  # the places of the axes
    pixels = ax.transData.transform(points)
    unit = figure.dpi / 72
    far = np.argsort(-((points - points.mean(0)) ** 2).sum(1), kind="stable")
    taken = _Boxes(ax.bbox)
    for i in far[:2000]:
        wide = columns(names[i]) * MONO_EM * FONT * unit
        high = FONT * 1.1 * unit
        for dx, dy in ((4, 0), (-4, 0), (0, 7), (0, -7)):
            x, y = pixels[i] + np.array([dx, dy]) * unit
            x -= 0 if dx > 0 else wide if dx < 0 else wide / 2
            if taken.add(x, y - high / 2, x + wide, y + high / 2):
                _write(ax, points[i], names[i], dx, dy)
                break
        if len(taken.boxes) >= MOST_LABELS:
            break


def _write(ax, point, name, dx, dy):
    ax.annotate(
        name,
        point,
        xytext=(dx, dy),
        textcoords="offset points",
        ha="left" if dx > 0 else "right" if dx < 0 else "center",
        va="center",
        fontsize=FONT,
        family=families(),
        color=c.INK,
    )


class _Boxes:
    """Rectangles inside a frame that do not touch each other."""

    def __init__(self, frame):
        self.frame = frame
        self.boxes = []

    def add(self, x0, y0, x1, y1):
        f = self.frame
        if x0 < f.x0 or x1 > f.x1 or y0 < f.y0 or y1 > f.y1:
            return False
        if any(
            x0 < b[2] and x1 > b[0] and y0 < b[3] and y1 > b[1]
            for b in self.boxes
        ):
            return False
        self.boxes.append((x0, y0, x1, y1))
        return True
