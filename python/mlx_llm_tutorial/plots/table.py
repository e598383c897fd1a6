# SPDX-License-Identifier: MIT
"""Models beside each other in a table, the best marked."""

import numpy as np

from . import colours as c
from .checks import fail, mapping, one_of
from .style import axes_at, bare, new_figure, styled
from .text import columns

ROW = 0.25  # inches
FONT = 8.5
LETTER = 0.07  # inches, about, of a letter of FONT


def comparison_table(rows, *, best=None, title=None):
    """A table as a Figure; the best of a column is bold, on blue, with a star.

    rows: {name: {column: number, text or None}}. best: {column: "min" or
    "max"}. Columns keep the order in which they come first; put the unit in
    their name ("loss (nats per token)"). What is missing is "–".
    """
    where = "comparison_table"
    rows = mapping(where, "rows", rows)
    rows = {name: mapping(where, "columns", row) for name, row in rows.items()}
    names = list(dict.fromkeys(key for row in rows.values() for key in row))
    best = dict(best or {})
    for name in best:
        one_of(where, "a column in best of", name, names)
        one_of(where, f"best of {name!r} as", best[name], ["min", "max"])
    cells = {name: [row.get(name) for row in rows.values()] for name in names}
    marked = {n: _best(where, n, cells[n], best[n]) for n in best}
    text = {name: _column(cells[name]) for name in names}
    heads = {name: _wrapped(name) for name in names}
    widths = [_width(rows, 1.2)]
    widths += [
        _width([*heads[n].split("\n"), *(x + " ★" for x in text[n])], 0.6)
        for n in names
    ]
    lines = 1 + max(head.count("\n") for head in heads.values())
    with styled():
        return _draw(list(rows), heads, text, marked, widths, lines, title)


def _best(where, name, values, how):
    """Rows that have the best number of a column."""
    found = [
        float(x) if _is_number(x) and np.isfinite(x) else None for x in values
    ]
    known = [x for x in found if x is not None]
    if not known:
        fail(where, f"numbers in column {name!r}", repr(values[0]))
    target = min(known) if how == "min" else max(known)
    return {i for i, x in enumerate(found) if x == target}


def _is_number(value):
    is_bool = isinstance(value, (bool, np.bool_))
    return not is_bool and np.ndim(value) == 0 and hasattr(value, "__float__")


def _column(values):
    """Numbers of one column with the same decimals, so that points align."""
    numbers = [float(x) for x in values if _is_number(x)]
    finite = [abs(x) for x in numbers if np.isfinite(x)]
    most = max(finite, default=0)
    limit = 0 if most >= 1000 else 1 if most >= 100 else 3
    needed = (
        d for d in range(3) if all(round(x, d) == round(x, 3) for x in finite)
    )
    decimals = min(limit, next(needed, 3))
    small = 0 < most < 0.01

    def text(value):
        if value is None:
            return "–"
        if not _is_number(value):
            return str(value)
        return (
            f"{float(value):.3g}" if small else f"{float(value):,.{decimals}f}"
        )

    return [text(value) for value in values]


def _wrapped(name, width=14):
    """A head in lines of about `width` letters."""
    lines = [""]
    for word in name.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + word
    return "\n".join(lines)


def _width(contents, least):
    return max(least, max(map(columns, contents)) * LETTER + 0.2)


def _draw(names, heads, text, marked, widths, lines, title):
    width = sum(widths) + 0.2
    top = (0.36 if title else 0.08) + 0.16 * lines + 0.06
    figure = new_figure(width, top + len(names) * ROW + 0.1, title)
    ax = bare(axes_at(figure, 0.1, top, width - 0.2, len(names) * ROW))
    ax.set(xlim=(0, width - 0.2), ylim=(len(names), 0), xticks=[], yticks=[])
    edges = np.cumsum(widths)
    for y in range(len(names) + 1):
        ax.axhline(
            y,
            color=c.EDGE if y == 0 else c.LINE,
            linewidth=0.8,
            clip_on=False,
        )
    for i, name in enumerate(names):
        ax.text(0.06, i + 0.5, name, va="center_baseline", fontsize=FONT)
    for j, (column, head) in enumerate(heads.items()):
        right = edges[j + 1] - 0.08
        ax.text(
            right,
            -0.06 / ROW,
            head,
            ha="right",
            va="bottom",
            fontsize=7.5,
            fontweight="bold",
            color=c.INK_3,
        )
        for i, cell in enumerate(text[column]):
            is_best = i in marked.get(column, ())
            _cell(ax, edges[j], right, i, cell, is_best)
    return figure


def _cell(ax, left, right, i, text, is_best):
    if is_best:
        ax.fill_between([left, right + 0.08], i, i + 1, color=c.ACCENT_SOFT)
        text = f"★ {text}"
    ax.text(
        right,
        i + 0.5,
        text,
        ha="right",
        va="center_baseline",
        fontsize=FONT,
        fontweight="bold" if is_best else "normal",
        color=c.ACCENT if is_best else c.INK,
    )
