# SPDX-License-Identifier: MIT
"""How drawn figures look, and how Matplotlib's SVG becomes ours: 760 wide, no
ground, text as text in the reader's own typeface, and every colour a variable
that has a light and a dark value, so that one file serves both.

Draw with the colours below only: anything else stops the drawing.
"""

import io
import re

import matplotlib
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

WIDTH = 760  # as wide as the diagrams drawn by hand
DPI = 72  # a point of Matplotlib is a unit of the picture

VARIABLES = {  # name: (light, dark), as in the diagrams
    "ink": ("#1f2430", "#e6e8ee"),
    "muted": ("#667085", "#98a2b3"),
    "blue": ("#2f6fdb", "#7aa9ff"),
    "orange": ("#c2571a", "#f0a36b"),
    "green": ("#2e7d4f", "#7cc99a"),
}
INK, MUTED, BLUE, ORANGE, GREEN = (light for light, _ in VARIABLES.values())
FONTS = 'system-ui, -apple-system, "Segoe UI", sans-serif'

STYLE = {
    "figure.dpi": DPI,
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.w_pad": 0.08,
    "figure.constrained_layout.wspace": 0.06,
    "font.family": ["DejaVu Sans"],  # wider than what will be shown: safe
    "font.size": 13,
    "text.color": INK,
    "text.parse_math": False,  # a token may be a dollar sign
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.labelcolor": MUTED,
    "axes.labelsize": 13,
    "axes.titlecolor": INK,
    "axes.titlesize": 14,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 1,
    "axes.axisbelow": True,
    "grid.color": MUTED,
    "grid.alpha": 0.25,
    "grid.linewidth": 1,
    "lines.linewidth": 2,
    "lines.markersize": 6,
    "lines.solid_capstyle": "round",
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 12,
    "ytick.labelsize": 12,
    "xtick.major.size": 4,
    "ytick.major.size": 4,
    "svg.fonttype": "none",
    "svg.hashsalt": "figures",  # the same data gives the same file
    "svg.id": "figure",
}


def styled():
    """Our style for what is drawn inside: `with styled(): ...`."""
    return matplotlib.rc_context(STYLE)


def new_figure(height, columns=1, rows=1, **options):
    """(figure of `height` units, its axes in a list from left to right)."""
    size = (WIDTH / DPI, height / DPI)
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    figure.patch.set_visible(False)
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    for ax in axes.flat:
        ax.patch.set_visible(False)
    return figure, list(axes.flat)


def plain_numbers(*axes_of):
    """0.5 and 2000 on logarithmic axes, not powers of ten."""
    for axis in axes_of:
        axis.set_major_formatter("{x:,g}")
        axis.set_minor_formatter("")


def bars(ax, rows, unit, places=0, room=1.22):
    """Lying bars, the first on top. `rows`: [(name, value, colour)]; a value of
    None leaves a gap. The numbers stand beside them."""
    values = [value for _, value, _ in rows if value is not None]
    for i, (_, value, colour) in enumerate(rows):
        if value is None:
            continue
        soft = 0.6 if colour == MUTED else 1
        ax.barh(i, value, height=0.68, color=colour, alpha=soft)
        text = f"{value:,.{places}f} {unit}".rstrip()
        name_line(ax, value, i, text, INK, dx=5)
    ax.set_yticks(range(len(rows)), [name for name, _, _ in rows])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlim(0, max(values) * room)
    ax.tick_params(axis="y", length=0, labelcolor=INK)
    ax.xaxis.set_visible(False)
    ax.spines["bottom"].set_visible(False)


def level_line(ax, y, text, colour, x=1.0, above=True):
    """A dashed line across, named at its right end (x: part of the width)."""
    ax.axhline(y, color=colour, linewidth=1.5, linestyle=(0, (5, 3)))
    ax.annotate(
        text,
        (x, y),
        xycoords=("axes fraction", "data"),
        xytext=(0, 4 if above else -4),
        textcoords="offset points",
        ha="right",
        va="bottom" if above else "top",
        color=colour,
        fontsize=12,
    )


def name_line(ax, x, y, text, colour, dx=8, dy=0, ha="left"):
    """The name of a line beside its last point, in place of a legend."""
    ax.annotate(
        text,
        (x, y),
        xytext=(dx, dy),
        textcoords="offset points",
        ha=ha,
        va="center",
        color=colour,
        fontsize=12,
        annotation_clip=False,
    )


def shades(ax, cells, colour, levels=10):
    """A picture of numbers from 0 to 1 [rows][columns], (0, 0) at the upper
    left: as many paths as levels, each of all its squares."""
    squares = [[] for _ in range(levels + 1)]
    for i, row in enumerate(cells):
        level = [round(levels * min(max(x, 0), 1)) for x in row]
        j = 0
        while j < len(level):
            end = j + 1
            while end < len(level) and level[end] == level[j]:
                end += 1  # neighbours alike make one
            squares[level[j]].append((j, i, end, i + 1))
            j = end
    for level, found in enumerate(squares):
        if level and found:
            ax.add_patch(
                PathPatch(
                    joined(found),
                    facecolor=colour,
                    alpha=level / levels,
                    linewidth=0,
                )
            )
    ax.set_xlim(0, len(cells[0]))
    ax.set_ylim(len(cells), 0)
    ax.set_aspect("equal")


def joined(squares):
    """One path of (left, top, right, bottom)."""
    corners, codes = [], []
    for left, top, right, bottom in squares:
        corners += [(left, top), (right, top), (right, bottom), (left, bottom)]
        corners.append((left, top))
        codes += [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY]
    return Path(corners, codes)


def to_svg(figure, title, description, comment):
    """The picture as text, with what a screen reader says."""
    out = io.StringIO()
    none = {"Creator": None, "Date": None, "Format": None, "Type": None}
    figure.savefig(out, format="svg", metadata=none)
    body = out.getvalue()
    body = body[body.index(">", body.index("<svg")) + 1 :]  # our own head
    body = without_noise(body)
    body = with_variables(body)
    height = round(figure.get_figheight() * DPI)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" '
            f'xmlns:xlink="http://www.w3.org/1999/xlink" width="{WIDTH}" '
            f'height="{height}" viewBox="0 0 {WIDTH} {height}" role="img">',
            f"<!-- {comment} -->",
            f"<title>{escaped(title)}</title>",
            f"<desc>{escaped(description)}</desc>",
            style_element(),
            body.strip(),
            "",
        ]
    )


def style_element():
    def values(which):
        return " ".join(f"--{n}: {v[which]};" for n, v in VARIABLES.items())

    return (
        f"<style>\n:root {{ {values(0)} }}\n"
        "@media (prefers-color-scheme: dark) {\n"
        f"  :root {{ {values(1)} }}\n}}\n"
        f"text {{ font-family: {FONTS}; fill: var(--ink); }}\n"
        "* { stroke-linejoin: round; stroke-linecap: butt; }\n</style>"
    )


def without_noise(body):
    """What says nothing: metadata, names of groups, digits, the default style
    (it is in ours), the typeface of each text."""
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.S)
    body = re.sub(r"<style[^>]*>.*?</style>", "", body, count=1, flags=re.S)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.S)
    body = re.sub(r'<g id="[^"]*">', "<g>", body)
    body = re.sub(r"; font-family: [^;\"]*|font-family: [^;\"]*; ?", "", body)
    body = re.sub(r"rotate\(-?0 [^)]*\)", "", body)
    body = body.replace(' transform=""', "")
    body = re.sub(r"<[^>]+>", lambda tag: with_short_numbers(tag[0]), body)
    return re.sub(r"\s*\n\s*", "\n", body)


def with_short_numbers(tag):
    """A tenth of a unit is nothing that one sees."""
    tag = re.sub(
        r"(?<!opacity: )-?\d+\.\d\d+", lambda n: f"{float(n[0]):.1f}", tag
    )
    return re.sub(r"(\d)\.0(?!\d)", r"\1", tag)


def with_variables(body):
    for name, (light, _) in VARIABLES.items():
        body = body.replace(light, f"var(--{name})")
    left = re.findall(r"#[0-9a-f]{6}\b", body)
    if left:
        raise ValueError(f"colours without a dark value: {sorted(set(left))}")
    return body


def escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;")
