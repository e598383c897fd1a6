# SPDX-License-Identifier: MIT
"""The values of a model's parameters: a panel for each kind of array, in it a
line for each layer, so that a model of any depth fits a page."""

import re

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize

from . import colours as c
from .checks import fail, mapping, numbers
from .style import SMALL, axes_at, colour_bar, new_figure, styled

ACROSS = 4
PANEL = (1.42, 0.85)  # inches
# Of SCALE the part that can be seen on white.
DEPTH = ListedColormap(c.SCALE(np.linspace(0.38, 1, 256)), name="course-depth")


def parameter_histogram(parameters, *, bins=60, title=None):
    """How the values of the parameters are spread.

    parameters: {name: array of any shape}, floats. Arrays whose names differ
    in the number of the layer alone ("layers.0.mlp.up.weight") share a panel;
    their lines go from pale to dark with depth. Each line's area is 1. Under
    the name: the standard deviation of all, and how many numbers, or in red how
    many are not finite (they are left out).
    """
    where = "parameter_histogram"
    if bins < 1:
        fail(where, "bins of at least 1", bins)
    parameters = mapping(where, "arrays", parameters)
    groups = _groups(
        {name: _values(where, name, x) for name, x in parameters.items()}
    )
    layers = [n for group in groups.values() for n in group if n is not None]
    depth = max(layers, default=0)
    across = min(ACROSS, len(groups))
    down = -(-len(groups) // across)
    with styled():
        head = 0.26 if title else 0.0
        pitch = PANEL[1] + 0.68
        size = (across * (PANEL[0] + 0.3) + 0.12, head + down * pitch + 0.55)
        figure = new_figure(max(size[0], 3.4), size[1], title)
        for n, (name, group) in enumerate(groups.items()):
            left = 0.2 + n % across * (PANEL[0] + 0.3)
            ax = axes_at(
                figure, left, head + 0.36 + n // across * pitch, *PANEL
            )
            _panel(ax, name, group, bins, depth)
        _foot(figure, size[1], depth if len(set(layers)) > 1 else 0)
        return figure


def _values(where, name, value):
    dtype = str(getattr(value, "dtype", ""))
    if "uint" in dtype:
        todo = "leave out what is quantized, or dequantize it"
        fail(where, f"floats as {name}", dtype, todo)
    values = numbers(where, name, value).ravel()
    if not values.size:
        fail(where, f"numbers as {name}", "an empty array")
    return values


def _groups(parameters):
    """{name with * for the layer's number: {layer or None: values}}."""
    groups = {}
    for name, values in parameters.items():
        found = re.search(r"(?<![^.])\d+(?![^.])", name)
        layer = int(found[0]) if found else None
        if found:
            name = name[: found.start()] + "*" + name[found.end() :]
        groups.setdefault(name, {})[layer] = values
    return groups


def _panel(ax, name, group, bins, depth):
    everything = np.concatenate(list(group.values()))
    finite = everything[np.isfinite(everything)]
    _title(ax, name, finite, len(everything) - len(finite))
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.tick_params(labelsize=SMALL)
    ax.locator_params(axis="x", nbins=3)
    ax.xaxis.set_major_formatter("{x:g}")
    if not finite.size:
        return
    low, high = float(finite.min()), float(finite.max())
    if low == high:  # all alike, as the gains of a norm that is new
        margin = 0.5 * abs(low) or 0.5
        low, high = low - margin, high + margin
    for layer, values in sorted(group.items(), key=lambda x: x[0] or 0):
        values = values[np.isfinite(values)].astype(np.float64)
        if not values.size:
            continue
        density, edges = np.histogram(values, bins, (low, high), density=True)
        alone = layer is None or not depth
        ax.stairs(
            density,
            edges,
            color=c.COOL if alone else DEPTH(layer / depth),
            linewidth=1.0,
            label="_" if layer is None else f"layer {layer}",
        )
    ax.set_xlim(low, high)
    ax.set_ylim(bottom=0)


def _title(ax, name, finite, lost):
    ax.text(
        0, 1.19, _short(name), transform=ax.transAxes, fontsize=7.5, color=c.INK
    )
    text = f"std {finite.std(dtype=np.float64):.3g}" if finite.size else "empty"
    text += f", {lost:,} not finite" if lost else f", n = {len(finite):,}"
    ax.text(
        0,
        1.03,
        text,
        transform=ax.transAxes,
        fontsize=SMALL,
        fontweight="bold" if lost else "normal",
        color=c.BAD if lost else c.INK_3,
    )


def _short(name, most=25):
    """The end of a long name."""
    if len(name) > most:
        name = name.removesuffix(".weight")
    parts = name.split(".")
    while len(".".join(parts)) >= most and len(parts) > 1:
        parts.pop(0)
    short = ".".join(parts)
    return short if short == name else "…" + short


def _foot(figure, height, depth):
    width = figure.get_size_inches()[0]
    figure.text(
        0.2 / width,
        0.42 / height,
        "across: value of a parameter; up: density",
        va="top",
        fontsize=7.5,
        color=c.INK_2,
    )
    if depth:
        image = ScalarMappable(Normalize(0, depth), DEPTH)
        left = width - 1.25
        ticks = [0, depth]
        colour_bar(figure, image, "layer", left, height - 0.45, 1.0, ticks)
