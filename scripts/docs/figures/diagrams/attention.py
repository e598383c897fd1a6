# SPDX-License-Identifier: MIT
"""Attention: one head, many heads, masks."""

import math

from .svg import CELL, Figure


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


def draw_matrix(f, x, y, name, shape, values, colour):
    f.matrix(x, y, values, colour)
    middle = x + len(values[0]) * CELL / 2
    f.text(middle, y - 10, name, "bold")
    f.text(middle, y + 5 * CELL + 18, shape, "small muted")


def attention_head():
    f = Figure(
        "One attention head",
        "The stream x, L rows of C numbers, is multiplied by three matrices to "
        "queries, keys and values, L rows of D numbers each. Queries times "
        "keys give L by L scores, of which those above the diagonal are "
        "masked. Softmax makes each row sum to 1. The weights times the values "
        "give the output, L rows of D numbers.",
        372,
    )
    scores, weights, out = head_numbers()
    most = max(x for row in scores for x in row if x is not None)
    tints = [[None if x is None else x / most for x in row] for row in scores]

    draw_matrix(f, 20, 150, "x", "[L, C]", STREAM, "blue")
    for y, name, values, colour, product in (
        (30, "Q", QUERIES, "orange", "query"),
        (150, "K", KEYS, "blue", "key"),
        (270, "V", VALUES, "green", "value"),
    ):
        draw_matrix(f, 210, y, name, "[L, D]", values, colour)
        middle = y + 2.5 * CELL
        f.arrow([(112, 185), (145, 185), (145, middle), (200, middle)])
        f.text(172, middle - 6, product, "small muted")
    draw_matrix(f, 360, 92, "Q Kᵀ / √D", "[L, L]", tints, "orange")
    f.arrow([(262, 65), (300, 65), (300, 120), (350, 120)])
    f.arrow([(262, 185), (300, 185), (300, 134), (350, 134)])
    f.text(395, 210, "× later: masked", "small muted")
    draw_matrix(f, 520, 92, "weights", "[L, L]", weights, "orange")
    f.arrow([(440, 127), (510, 127)])
    f.text(475, 120, "softmax", "small muted")
    f.text(555, 210, "each row sums to 1", "small muted")
    draw_matrix(f, 680, 180, "output", "[L, D]", out, "green")
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
