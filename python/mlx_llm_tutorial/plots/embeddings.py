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
# Of a label from its point, in points, best first.
PLACES = [(4, 0), (-4, 0), (0, 7), (0, -7), (3, 6), (-3, 6), (3, -6), (-3, -6)]
PLACES += [(9, 3), (-9, 3), (9, -3), (-9, -3), (0, 11), (0, -11)]


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
    if len(x) > x.shape[1]:  # the small matrix is quick
        squares, axes = np.linalg.eigh(x.T @ x)
        squares, axes = squares[::-1].clip(0), axes.T[::-1]
    else:
        _, sizes, axes = np.linalg.svd(x, full_matrices=False)
        squares = sizes**2
    points = x @ axes[:k].T
    largest = np.abs(points).argmax(axis=0)
    points *= np.where(points[largest, range(points.shape[1])] < 0, -1, 1)
    total = max(float(squares.sum()), np.finfo(float).tiny)
    return points, squares[:k] / total


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
    unit = figure.dpi / 72
    pixels = ax.transData.transform(points)
    free = _Room(ax.bbox, pixels, 2.2 * unit)
    letter = np.ceil(MONO_EM * FONT * unit)  # fonts are fitted to pixels
    high = FONT * 1.25 * unit
    far = np.argsort(-((points - points.mean(0)) ** 2).sum(1), kind="stable")
    for i in far[: 2000 if len(points) <= 2000 else 400]:
        wide = columns(names[i]) * letter
        for dx, dy in PLACES:
            x, y = pixels[i] + np.array([dx, dy]) * unit
            x -= wide * (1 - np.sign(dx)) / 2
            if free.take(x, y - high / 2, x + wide, y + high / 2):
                _write(ax, points[i], names[i], dx, dy)
                break
        if len(free.boxes) >= MOST_LABELS:
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


class _Room:
    """What is still free of a frame with dots in it, in pixels."""

    def __init__(self, frame, dots, radius):
        self.frame = frame.extents
        self.dots = dots
        self.radius = radius
        self.boxes = []

    def take(self, x0, y0, x1, y1):
        """False where a box would leave the frame, or touch a dot or a box."""
        left, bottom, right, top = self.frame
        if x0 < left or x1 > right or y0 < bottom or y1 > top:
            return False
        x, y = self.dots.T
        r = self.radius
        dots = (x > x0 - r) & (x < x1 + r) & (y > y0 + 0.2 * (y1 - y0) - r)
        if np.any(dots & (y < y1 - 0.2 * (y1 - y0) + r)):
            return False
        if any(
            x0 < b[2] and x1 > b[0] and y0 < b[3] and y1 > b[1]
            for b in self.boxes
        ):
            return False
        self.boxes.append((x0, y0, x1, y1))
        return True
