# SPDX-License-Identifier: MIT
"""Attention: one head, many heads, masks, rotary positions, the cache."""

import math

from .svg import CELL, WIDTH, Figure


def softmax(row):
    """None is a score of minus infinity."""
    top = max(x for x in row if x is not None)
    e = [0 if x is None else math.exp(x - top) for x in row]
    return [x / sum(e) for x in e]


QUERIES = [  # [5, 3], made up: any numbers do
    [0.2, 0.9, 0.1],
    [1.0, 0.1, 0.3],
    [0.3, 0.2, 1.0],
    [0.9, 0.8, 0.1],
    [0.1, 1.0, 0.6],
]
KEYS = [
    [0.9, 0.2, 0.1],
    [0.1, 1.0, 0.3],
    [0.8, 0.1, 0.9],
    [0.2, 0.3, 1.0],
    [1.0, 0.6, 0.1],
]
VALUES = [
    [0.9, 0.1, 0.4],
    [0.2, 0.8, 0.1],
    [0.5, 0.3, 0.9],
    [0.1, 0.9, 0.6],
    [0.7, 0.2, 0.2],
]
STREAM = [
    [0.3, 0.7, 0.2, 0.6, 0.4, 0.1],
    [0.8, 0.2, 0.5, 0.1, 0.6, 0.4],
    [0.1, 0.5, 0.9, 0.3, 0.2, 0.7],
    [0.6, 0.4, 0.3, 0.8, 0.1, 0.5],
    [0.2, 0.9, 0.1, 0.4, 0.7, 0.3],
]


def head_numbers():
    """Scores (None: masked), weights and output of the head that is drawn."""
    sharp = 4  # so that the shades differ
    scores = [
        [
            sharp * sum(a * b for a, b in zip(q, k)) if j <= i else None
            for j, k in enumerate(KEYS)
        ]
        for i, q in enumerate(QUERIES)
    ]
    weights = [softmax(row) for row in scores]
    out = [
        [sum(w * v[d] for w, v in zip(row, VALUES)) for d in range(3)]
        for row in weights
    ]
    return scores, weights, out


def attention_head():
    f = Figure(
        "One attention head",
        "The stream x, L rows of C numbers, is multiplied by three matrices to "
        "queries, keys and values, L rows of D numbers each. Queries times keys "
        "give L by L scores, of which those above the diagonal are masked. "
        "Softmax makes each row sum to 1. The weights times the values give the "
        "output, L rows of D numbers.",
        372,
    )
    scores, weights, out = head_numbers()
    most = max(x for row in scores for x in row if x is not None)
    tints = [[None if x is None else x / most for x in row] for row in scores]

    def matrix(x, y, name, shape, values, colour):
        f.matrix(x, y, values, colour)
        middle = x + len(values[0]) * CELL / 2
        f.text(middle, y - 10, name, "bold")
        f.text(middle, y + 5 * CELL + 18, shape, "small muted")

    matrix(20, 150, "x", "[L, C]", STREAM, "blue")
    for y, name, values, colour, product in (
        (30, "Q", QUERIES, "orange", "query"),
        (150, "K", KEYS, "blue", "key"),
        (270, "V", VALUES, "green", "value"),
    ):
        matrix(210, y, name, "[L, D]", values, colour)
        middle = y + 2.5 * CELL
        f.arrow([(112, 185), (145, 185), (145, middle), (200, middle)])
        f.text(172, middle - 6, product, "small muted")
    matrix(360, 92, "Q Kᵀ / √D", "[L, L]", tints, "orange")
    f.arrow([(262, 65), (300, 65), (300, 120), (350, 120)])
    f.arrow([(262, 185), (300, 185), (300, 134), (350, 134)])
    f.text(395, 210, "× later: masked", "small muted")
    matrix(520, 92, "weights", "[L, L]", weights, "orange")
    f.arrow([(440, 127), (510, 127)])
    f.text(475, 120, "softmax", "small muted")
    f.text(555, 210, "each row sums to 1", "small muted")
    matrix(680, 180, "output", "[L, D]", out, "green")
    f.arrow([(600, 127), (640, 127), (640, 208), (670, 208)])
    f.arrow([(262, 305), (640, 305), (640, 222), (670, 222)])
    f.text(450, 298, "the weighted mean of the values", "small muted")
    return f


def heads():
    f = Figure(
        "Query heads that share keys and values",
        "Nine query heads of a layer with nine, three and one key-value heads. "
        "Fewer key-value heads make the cache smaller: 1152, 384 and 128 "
        "numbers for each token and layer when a head is 64 wide.",
        235,
    )
    H, D = 9, 64
    for panel, (name, K) in enumerate(
        (("multi-head", 9), ("grouped-query", 3), ("multi-query", 1))
    ):
        left = 20 + panel * 250
        f.text(left + 110, 24, name, "bold")
        f.text(left, 48, "queries, H = 9", "small muted", "start")
        f.text(left, 182, f"keys and values, K = {K}", "small muted", "start")
        for h in range(H):
            x = left + h * 25
            f.cell(x, 58, "orange", 0.45, 20)
            group = h // (H // K)
            center = left + 10 + (group + 0.5) * 25 * (H // K) - 12.5
            f.arrow([(x + 10, 80), (center, 136)], "muted")
        for k in range(K):
            center = left + 10 + (k + 0.5) * 25 * (H // K) - 12.5
            f.cell(center - 10, 138, "blue", 0.45, 16)
            f.cell(center - 6, 142, "green", 0.45, 16)
        f.text(
            left + 110,
            214,
            f"cache: 2 · {K} · {D} = {2 * K * D} a token",
            "small",
        )
    return f


def sees(i, j, window):
    """Whether query i sees key j."""
    return j <= i and (window == 0 or j > i - window)


def mask():
    f = Figure(
        "Causal mask and window",
        "Three grids, queries down and keys across. Causal: each query sees "
        "all keys up to its own. Window of three: it sees its own and the two "
        "before. Two layers with a window of three: information of five "
        "positions reaches a place.",
        260,
    )
    n, size = 8, 20
    reach = [
        [
            any(sees(i, m, 3) and sees(m, j, 3) for m in range(n))
            for j in range(n)
        ]
        for i in range(n)
    ]
    panels = (
        ("causal", "sees itself and what came before", lambda i, j: 0),
        ("window of 3", "sees itself and 2 before", lambda i, j: 3),
        ("two layers, window of 3", "pale: by way of another place", None),
    )
    for panel, (name, note, window) in enumerate(panels):
        left = 40 + panel * 250
        f.text(left + n * size / 2, 24, name, "bold")
        f.text(left + n * size / 2, 44, "keys →", "small muted")
        for i in range(n):
            for j in range(n):
                x, y = left + j * size, 52 + i * size
                near = sees(i, j, window(i, j) if window else 3)
                tint = 0.6 if near else 0.2 if not window and reach[i][j] else 0
                f.cell(x, y, "orange" if tint else "muted", tint, size)
        f.text(left + n * size / 2, 236, note, "small muted")
    f.text(28, 132, "← queries", "small muted", turned=True)
    return f


def pair_angles(position, dims, base):
    """Angles in radians by which the pairs turn at a position."""
    return [position * base ** (-2 * i / dims) for i in range(dims // 2)]


def rope():
    f = Figure(
        "Rotary positions",
        "Left: one pair of numbers of a query is a vector in the plane, which "
        "turns by the same angle at each position. Middle: a query three "
        "positions after a key, early and late in the text; both have turned, "
        "the angle between them is the same. Right: the four pairs of a head of "
        "width 8 at position 6; later pairs turn more slowly.",
        300,
    )

    def vector(cx, cy, r, angle, colour, width=1.5, opacity=1.0):
        f.arrow(
            [(cx, cy), (cx + r * math.cos(angle), cy - r * math.sin(angle))],
            colour,
            width,
            opacity=opacity,
        )

    f.text(130, 24, "one pair turns with the position", "bold")
    f.circle(130, 140, 80, "muted")
    for m in range(5):
        angle = 0.3 + 0.6 * m
        vector(130, 140, 80, angle, "orange", 2, 1 - 0.15 * (4 - m))
        x, y = 130 + 96 * math.cos(angle), 145 - 96 * math.sin(angle)
        f.text(x, y, str(m), "small muted")
    f.text(130, 262, "position m: turned by m θ", "small")
    f.text(130, 282, "its length stays", "small muted")

    f.text(380, 24, "only the distance matters", "bold")
    for cy, key in ((88, 4), (200, 9)):
        f.circle(330, cy, 46, "muted")
        vector(330, cy, 46, 0.9 + 0.35 * key, "blue", 2)
        vector(330, cy, 46, 0.2 + 0.35 * (key + 3), "orange", 2)
        f.text(392, cy - 4, f"key at {key}", "small blue", "start")
        f.text(392, cy + 14, f"query at {key + 3}", "small orange", "start")
    f.text(380, 262, "the angle between them", "small")
    f.text(380, 282, "is the same: 3 θ further", "small muted")

    f.text(630, 24, "each pair at its own speed", "bold")
    position, dims, base = 6, 8, 10000
    for i, angle in enumerate(pair_angles(position, dims, base)):
        cx, cy = 570 + 120 * (i % 2), 88 + 106 * (i // 2)
        f.circle(cx, cy, 36, "muted")
        f.line([(cx, cy), (cx + 36, cy)], "muted", dash=True)
        vector(cx, cy, 36, angle, "orange", 2)
        f.text(cx, cy + 52, f"pair {i}: {angle:.3g} rad", "small muted")
    f.text(630, 282, "position 6, D = 8, base 10000", "small muted")
    return f


def kv_cache():
    f = Figure(
        "The key-value cache grows",
        "A prompt of four tokens is read at once: four queries, four keys and "
        "values. Then each new token brings one query, and one key and value "
        "that are appended; the query looks at all that is there. A rotating "
        "cache of four slots writes position 4 over position 0.",
        318,
    )
    size = 24
    rows = (("prompt of 4", 4, 4), ("one more", 5, 1), ("one more", 6, 1))
    f.text(145, 24, "queries", "bold")
    f.text(345, 24, "keys and values in the cache", "bold")
    f.text(600, 24, "products q · k", "bold")
    for i, (name, held, new) in enumerate(rows):
        y = 44 + i * 52
        f.text(16, y + 17, name, "small", "start")
        for q in range(new):
            f.cell(97 + q * size, y, "orange", 0.5, size)
        for k in range(held):
            fresh = k >= held - new
            x = 250 + k * size
            f.cell(x, y, "blue", 0.55 if fresh else 0.12, size)
            f.text(x + size / 2, y + 17, str(k), "small")
        f.arrow([(203, y + 12), (240, y + 12)])
        products = sum(held - new + 1 + n for n in range(new))
        f.text(600, y + 17, str(products), "small")
    f.text(250, 204, "strong: new, computed now", "small muted", "start")
    f.text(600, 204, "without a cache: 10, 15, 21", "small muted")
    f.line([(16, 222), (WIDTH - 16, 222)], "muted", dash=True)
    f.text(16, 250, "rotating, window 4", "bold", "start")
    f.text(16, 270, "position p is in slot p mod 4", "small muted", "start")
    for n, held in enumerate(([0, 1, 2, 3], [4, 1, 2, 3], [4, 5, 2, 3])):
        left = 250 + n * 170
        for slot, position in enumerate(held):
            x = left + slot * size
            fresh = position == 3 + n or n == 0
            f.cell(x, 244, "blue", 0.55 if fresh else 0.12, size)
            f.text(x + size / 2, 261, str(position), "small")
        if n < 2:
            f.arrow([(left + 106, 256), (left + 160, 256)])
            f.text(left + 133, 248, f"+ {4 + n}", "small muted")
    f.text(250, 296, "it never grows, and forgets", "small muted", "start")
    return f
