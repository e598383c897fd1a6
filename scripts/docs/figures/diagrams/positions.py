# SPDX-License-Identifier: MIT
"""What depends on the position: rotary angles, and the cache."""

import math

from .svg import WIDTH, Figure

SLOT = 24  # side of a place in the cache


def pair_angles(position, dims, base):
    """Angles in radians by which the pairs turn at a position."""
    return [position * base ** (-2 * i / dims) for i in range(dims // 2)]


def draw_vector(f, cx, cy, r, angle, colour, opacity=1.0):
    tip = (cx + r * math.cos(angle), cy - r * math.sin(angle))
    f.arrow([(cx, cy), tip], colour, 2, opacity=opacity)


def rope():
    f = Figure(
        "Rotary positions",
        "Left: one pair of numbers of a query is a vector in the plane, which "
        "turns by the same angle at each position. Middle: a query three "
        "positions after a key, early and late in the text; both have turned, "
        "the angle between them is the same. Right: the four pairs of a head "
        "of width 8 at position 6; later pairs turn more slowly.",
        300,
    )

    draw_turns(f, 130)
    draw_distances(f, 330)
    f.text(630, 24, "each pair at its own speed", "bold")
    position, dims, base = 6, 8, 10000
    for i, angle in enumerate(pair_angles(position, dims, base)):
        cx, cy = 570 + 120 * (i % 2), 88 + 106 * (i // 2)
        f.circle(cx, cy, 36, "muted")
        f.line([(cx, cy), (cx + 36, cy)], "muted", dash=True)
        draw_vector(f, cx, cy, 36, angle, "orange")
        f.text(cx, cy + 52, f"pair {i}: {angle:.3g} rad", "small muted")
    f.text(630, 282, "position 6, D = 8, base 10000", "small muted")
    return f


def draw_turns(f, cx):
    f.text(cx, 24, "one pair turns with the position", "bold")
    f.circle(cx, 140, 80, "muted")
    for m in range(5):
        angle = 0.3 + 0.6 * m
        draw_vector(f, cx, 140, 80, angle, "orange", 1 - 0.15 * (4 - m))
        x, y = cx + 96 * math.cos(angle), 145 - 96 * math.sin(angle)
        f.text(x, y, str(m), "small muted")
    f.text(cx, 262, "position m: turned by m θ", "small")
    f.text(cx, 282, "its length stays", "small muted")


def draw_distances(f, cx):
    f.text(380, 24, "only the distance matters", "bold")
    for cy, key in ((88, 4), (200, 9)):
        f.circle(cx, cy, 46, "muted")
        draw_vector(f, cx, cy, 46, 0.9 + 0.35 * key, "blue")
        draw_vector(f, cx, cy, 46, 0.2 + 0.35 * (key + 3), "orange")
        f.text(392, cy - 4, f"key at {key}", "small blue", "start")
        f.text(392, cy + 14, f"query at {key + 3}", "small orange", "start")
    f.text(380, 262, "the angle between them", "small")
    f.text(380, 282, "is the same: 3 θ further", "small muted")


def kv_cache():
    f = Figure(
        "The key-value cache grows",
        "A prompt of four tokens is read at once: four queries, four keys and "
        "values. Then each new token brings one query, and one key and value "
        "that are appended; the query looks at all that is there. A rotating "
        "cache of four slots writes position 4 over position 0.",
        318,
    )
    draw_growth(f)
    f.line([(16, 222), (WIDTH - 16, 222)], "muted", dash=True)
    f.text(16, 250, "rotating, window 4", "bold", "start")
    f.text(16, 270, "position p is in slot p mod 4", "small muted", "start")
    for n, held in enumerate(([0, 1, 2, 3], [4, 1, 2, 3], [4, 5, 2, 3])):
        left = 250 + n * 170
        draw_slots(f, left, 244, held, [p for p in held if p == 3 + n or not n])
        if n < 2:
            f.arrow([(left + 106, 256), (left + 160, 256)])
            f.text(left + 133, 248, f"+ {4 + n}", "small muted")
    f.text(250, 296, "it never grows, and forgets", "small muted", "start")
    return f


def draw_growth(f):
    f.text(145, 24, "queries", "bold")
    f.text(345, 24, "keys and values in the cache", "bold")
    f.text(600, 24, "products q · k", "bold")
    rows = (("prompt of 4", 4, 4), ("one more", 5, 1), ("one more", 6, 1))
    for i, (name, held, new) in enumerate(rows):
        y = 44 + i * 52
        f.text(16, y + 17, name, "small", "start")
        for q in range(new):
            f.cell(97 + q * SLOT, y, "orange", 0.5, SLOT)
        draw_slots(f, 250, y, range(held), range(held - new, held))
        f.arrow([(203, y + 12), (240, y + 12)])
        products = sum(held - new + 1 + n for n in range(new))
        f.text(600, y + 17, str(products), "small")
    f.text(250, 204, "strong: new, computed now", "small muted", "start")
    f.text(600, 204, "without a cache: 10, 15, 21", "small muted")


def draw_slots(f, left, y, held, fresh):
    """The positions that a cache holds; those in `fresh` are new."""
    for slot, position in enumerate(held):
        x = left + slot * SLOT
        f.cell(x, y, "blue", 0.55 if position in fresh else 0.12, SLOT)
        f.text(x + SLOT / 2, y + 17, str(position), "small")
