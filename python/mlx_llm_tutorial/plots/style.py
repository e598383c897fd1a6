# SPDX-License-Identifier: MIT
"""How all figures look: sizes in inches for a printed page (at most 7 wide, no
text below 7 points), one typeface, a light ground.

A figure belongs to nobody but its caller: it is made without pyplot, so that a
notebook shows it once, the current figure stays the user's and nothing needs
closing. It draws itself in our style, whatever the notebook has set."""

import contextlib
import io

import matplotlib
import matplotlib.style
from matplotlib.figure import Figure

from . import colours as c

WIDTH = 7.0  # inches, of a page's text
SMALL = 7  # points, the least
DPI = 120
MONO = "DejaVu Sans Mono"  # comes with Matplotlib
MONO_EM = 1233 / 2048  # width of its characters

STYLE = {
    "font.family": ["DejaVu Sans"],
    "font.size": 8,
    "text.color": c.INK,
    "text.parse_math": False,  # a token may be a dollar sign
    "figure.dpi": DPI,
    "figure.facecolor": c.SURFACE,
    "figure.constrained_layout.h_pad": 0.06,
    "figure.constrained_layout.w_pad": 0.06,
    "savefig.bbox": "tight",
    "savefig.pad_inches": 0.08,
    "axes.facecolor": c.SURFACE,
    "axes.edgecolor": c.EDGE,
    "axes.linewidth": 0.7,
    "axes.labelcolor": c.INK_2,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.useoffset": False,
    "axes.axisbelow": True,
    "grid.color": c.LINE,
    "grid.linewidth": 0.7,
    "xtick.color": c.EDGE,
    "ytick.color": c.EDGE,
    "xtick.labelcolor": c.INK_2,
    "ytick.labelcolor": c.INK_2,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "legend.fontsize": 7.5,
    "legend.framealpha": 0.9,
    "legend.edgecolor": "none",
    "legend.borderpad": 0.3,
    "image.interpolation": "nearest",
}


@contextlib.contextmanager
def styled():
    """Our style, whatever is set outside; that comes back afterwards."""
    with matplotlib.style.context(["default", STYLE]):
        yield


class Picture(Figure):
    """A Figure that keeps its style when it is drawn later."""

    def draw(self, renderer):
        with styled():
            super().draw(renderer)

    def savefig(self, fname, **options):
        with styled():
            super().savefig(fname, **options)

    def _repr_png_(self):
        """For notebooks in which nobody has imported pyplot."""
        png = io.BytesIO()
        self.savefig(png, format="png")
        return png.getvalue()


def new_figure(width, height, title=None, layout=None):
    """An empty figure, sizes in inches; the title is at the upper left."""
    figure = Picture(figsize=(width, height), dpi=DPI, layout=layout)
    if title:
        write_title(figure, title)
    return figure


def write_title(figure, title):
    """At the upper left; a layout that arranges by itself leaves it room."""
    size = {"fontsize": 9.5, "fontweight": "bold"}
    if figure.get_layout_engine() is not None:
        figure.suptitle(title, x=0.01, ha="left", **size)
        return
    width, height = figure.get_size_inches()
    figure.text(0.08 / width, 1 - 0.08 / height, title, va="top", **size)


def axes_at(figure, left, top, width, height):
    """Axes in inches from the upper left corner."""
    full, high = figure.get_size_inches()
    bottom = high - top - height
    box = (left / full, bottom / high, width / full, height / high)
    return figure.add_axes(box)


def bare(ax):
    """No frame, no ticks."""
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.tick_params(length=0)
    return ax


def grid(ax, shape):
    """Thin gaps between the cells of an image [rows, columns]."""
    rows, across = shape
    ax.set_xticks([i + 0.5 for i in range(across - 1)], minor=True)
    ax.set_yticks([i + 0.5 for i in range(rows - 1)], minor=True)
    ax.tick_params(which="minor", length=0)
    ax.set_axisbelow(False)
    ax.grid(which="minor", color=c.SURFACE, linewidth=0.7)


def colour_bar(figure, image, label, left, top, width=1.9, ticks=None):
    """A thin one that lies, at a place in inches (see axes_at)."""
    ax = axes_at(figure, left, top, width, 0.09)
    bar = figure.colorbar(image, cax=ax, orientation="horizontal", ticks=ticks)
    bar.outline.set_linewidth(0.5)
    bar.outline.set_edgecolor(c.EDGE)
    ax.tick_params(labelsize=SMALL, length=2)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.set_xlabel(label, fontsize=7.5, labelpad=1.5)
    return bar


def mono_inches(columns, size):
    """Width of so many characters of MONO."""
    return columns * MONO_EM * size / 72
