# SPDX-License-Identifier: MIT
"""What the diagrams of shapes are drawn with: one style, light and dark.

A figure is 760 wide and has no background; its colours are CSS variables that
`prefers-color-scheme` switches. Coordinates are pixels, y goes down.
"""

from html import escape

WIDTH = 760
CELL = 14  # side of a cell of a matrix

COLOURS = {  # name: (light, dark)
    "ink": ("#1f2430", "#e6e8ee"),
    "muted": ("#667085", "#98a2b3"),
    "blue": ("#2f6fdb", "#7aa9ff"),
    "orange": ("#c2571a", "#f0a36b"),
    "green": ("#2e7d4f", "#7cc99a"),
}


def _style():
    light, dark = (
        "".join(f"--{name}:{pair[i]};" for name, pair in COLOURS.items())
        for i in (0, 1)
    )
    strokes = "".join(f".s-{c}{{stroke:var(--{c})}}" for c in COLOURS)
    fills = "".join(f".f-{c}{{fill:var(--{c})}}" for c in COLOURS)
    return (
        f"svg{{{light}}}"
        f"@media (prefers-color-scheme: dark){{svg{{{dark}}}}}"
        "text{font:14px system-ui,sans-serif;fill:var(--ink)}"
        ".small{font-size:12px}.bold{font-weight:600}"
        ".mono{font-family:ui-monospace,Menlo,Consolas,monospace}"
        "text.muted{fill:var(--muted)}text.blue{fill:var(--blue)}"
        "text.orange{fill:var(--orange)}text.green{fill:var(--green)}"
        ".line{fill:none;stroke-width:1.5}"
        f"{strokes}{fills}"
    )


def number(x):
    """As short as it can be, to two digits."""
    return f"{x:.2f}".rstrip("0").rstrip(".")


class Figure:
    """Collects elements; text() of it is the file."""

    def __init__(self, title, description, height):
        self.title, self.description, self.height = title, description, height
        self.parts = []

    def _add(self, tag, classes="", content=None, **attributes):
        if classes:
            attributes = {"class": classes, **attributes}
        pairs = "".join(
            f' {key.replace("_", "-")}='
            f'"{number(v) if isinstance(v, (int, float)) else escape(v)}"'
            for key, v in attributes.items()
        )
        end = "/>" if content is None else f">{escape(content)}</{tag}>"
        self.parts.append(f"<{tag}{pairs}{end}")

    def text(self, x, y, text, classes="", anchor="middle", turned=False):
        """`turned`: read from below."""
        extra = {"transform": f"rotate(-90 {x} {y})"} if turned else {}
        self._add("text", classes, text, x=x, y=y, text_anchor=anchor, **extra)

    def lines(self, x, y, lines, classes="", anchor="middle", step=18):
        for i, line in enumerate(lines):
            self.text(x, y + i * step, line, classes, anchor)

    def box(self, x, y, w, h, lines=(), colour="ink", tint=0.1, rx=6):
        """A rounded box with its lines of text in the middle."""
        self._add(
            "rect",
            f"line s-{colour}",
            x=x,
            y=y,
            width=w,
            height=h,
            rx=rx,
            style=f"fill:var(--{colour});fill-opacity:{number(tint)}",
        )
        lines = [lines] if isinstance(lines, str) else lines
        top = y + h / 2 + 5 - 9 * (len(lines) - 1)
        self.lines(x + w / 2, top, lines)

    def cell(self, x, y, colour, tint, size=CELL, dash=False):
        extra = {"stroke_dasharray": "2 2"} if dash else {}
        self._add(
            "rect",
            f"s-{colour}",
            x=x,
            y=y,
            width=size,
            height=size,
            rx=2,
            style=f"fill:var(--{colour});fill-opacity:{number(tint)}",
            **extra,
        )

    def matrix(self, x, y, tints, colour, size=CELL):
        """Rows of tints from 0 to 1; None is a cell that is not there."""
        for i, row in enumerate(tints):
            for j, tint in enumerate(row):
                if tint is None:
                    self.cell(x + j * size, y + i * size, "muted", 0, size)
                    self.text(
                        x + (j + 0.5) * size,
                        y + (i + 0.5) * size + 4,
                        "×",
                        "small muted",
                    )
                else:
                    self.cell(x + j * size, y + i * size, colour, tint, size)

    def line(self, points, colour="ink", width=1.5, dash=False, opacity=1.0):
        extra = {"stroke_dasharray": "4 3"} if dash else {}
        if opacity < 1:
            extra["stroke_opacity"] = opacity
        if width != 1.5:
            extra["style"] = f"stroke-width:{number(width)}"
        path = " ".join(f"{number(x)},{number(y)}" for x, y in points)
        self._add("polyline", f"line s-{colour}", points=path, **extra)

    def arrow(self, points, colour="ink", width=1.5, dash=False, opacity=1.0):
        """A line with a small head at its last point."""
        (x0, y0), (x1, y1) = points[-2:]
        length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        ux, uy = (x1 - x0) / length, (y1 - y0) / length
        bx, by = x1 - 7 * ux, y1 - 7 * uy  # where the head begins
        self.line([*points[:-1], (bx, by)], colour, width, dash, opacity)
        corners = [
            (x1, y1),
            (bx - 3.5 * uy, by + 3.5 * ux),
            (bx + 3.5 * uy, by - 3.5 * ux),
        ]
        path = " ".join(f"{number(x)},{number(y)}" for x, y in corners)
        extra = {"fill_opacity": opacity} if opacity < 1 else {}
        self._add("polygon", f"f-{colour}", points=path, **extra)

    def curve(self, path, colour, width=1.5, opacity=1.0):
        """A path by the letters of SVG."""
        self._add(
            "path",
            f"line s-{colour}",
            d=path,
            style=f"stroke-width:{number(width)}",
            stroke_opacity=opacity,
        )

    def circle(self, x, y, r, colour="ink", tint=0.0):
        self._add(
            "circle",
            f"line s-{colour}",
            cx=x,
            cy=y,
            r=r,
            style=f"fill:var(--{colour});fill-opacity:{number(tint)}",
        )

    def plus(self, x, y, colour="blue"):
        """A sum: two streams become one."""
        self.circle(x, y, 9, colour, 0.1)
        self.line([(x - 5, y), (x + 5, y)], colour)
        self.line([(x, y - 5), (x, y + 5)], colour)

    def file(self):
        head = (
            '<svg xmlns="http://www.w3.org/2000/svg" '
            f'viewBox="0 0 {WIDTH} {self.height}" role="img" '
            'aria-labelledby="title desc">'
        )
        return "\n".join(
            [
                head,
                f'<title id="title">{escape(self.title)}</title>',
                f'<desc id="desc">{escape(self.description)}</desc>',
                f"<style>{_style()}</style>",
                *self.parts,
                "</svg>\n",
            ]
        )
