# SPDX-License-Identifier: MIT
"""The model as a whole: its way from text to text, a block, a window."""

from .svg import CELL, Figure

STREAM = [  # made up, 5 numbers for each of 4 tokens
    [0.3, 0.8, 0.1, 0.6],
    [0.7, 0.2, 0.5, 0.4],
    [0.2, 0.5, 0.9, 0.1],
    [0.6, 0.1, 0.3, 0.8],
    [0.1, 0.9, 0.4, 0.2],
]


def overview():
    f = Figure(
        "From text to text",
        "Text becomes token ids, each id a vector; N blocks change the "
        "vectors; a last norm and the head turn each vector into scores for "
        "all tokens; softmax and a draw give the next token, which is appended "
        "to the text.",
        470,
    )
    x = 250
    draw_way(f, x)
    for y, name, shape, where in (
        (28, "tokens", "L of them", "pieces of text"),
        (98, "ids", "[B, L]", "llm/tokenizers"),
        (184, "residual stream", "[B, L, C]", "a vector for each: wte, wpe"),
        (296, "N blocks", "[B, L, C]", "look back, think, add: h"),
        (388, "logits", "[B, L, V]", "a score for every token: ln_f, wte"),
    ):
        f.text(440, y, name, "bold", "start")
        f.text(590, y, shape, "mono small", "start")
        f.text(440, y + 18, where, "small muted", "start")
    f.text(x, 452, "softmax, draw: the next token", "small")
    back = [(x - 116, 447), (84, 447), (84, 28), (x - 136, 28)]
    f.arrow(back, "muted", dash=True)
    f.lines(74, 232, ["append,", "again"], "small muted", "end")
    return f


def draw_way(f, x):
    """From the words at the top to the bars at the bottom."""
    words = ("Once", "upon", "a", "time")
    for i, pair in enumerate(zip(words, (6403, 1980, 253, 655))):  # SmolLM2's
        for y, what in zip((14, 84), pair):
            f.box(x - 128 + i * 64, y, 60, 28, str(what), "ink", 0)
    f.matrix(x - 2 * CELL, 154, STREAM, "blue")
    for i in (6, 12):  # the edges of the blocks behind
        right, top = x + 76 + i, 278 - i
        edge = [(x - 82 + i, top), (right, top), (right, 322 - i)]
        f.line(edge, "muted")
    f.box(x - 88, 278, 84, 50, "attention", "orange", 0.15)
    f.box(x, 278, 76, 50, "MLP", "green", 0.15)
    for i, tall in enumerate((0.12, 0.35, 0.05, 1, 0.2, 0.08, 0.5, 0.1)):
        tint, height = 0.9 if tall == 1 else 0.3, 38 * tall
        left, top = x - 64 + i * 16, 410 - height
        f.box(left, top, 10, height, (), "blue", tint, rx=1)
    for y, name in (
        (46, "tokenizer"),
        (116, "embedding"),
        (228, ""),
        (332, "norm and head"),
    ):
        f.arrow([(x, y), (x, y + 34)])
        f.text(x + 12, y + 22, name, "small", "start")


def block():
    f = Figure(
        "A block on the residual stream",
        "Three positions, each a line from left to right. Twice a branch "
        "leaves the line through a LayerNorm and comes back by a sum: first "
        "through attention, which also gets from earlier positions, then "
        "through the MLP, which works on each position alone.",
        330,
    )
    f.text(255, 24, "h = x + Attention(LN(x))", "bold")
    f.text(525, 24, "y = h + MLP(LN(h))", "bold")
    lanes = (112, 202, 292)
    for n, y in enumerate(lanes):
        f.text(20, y + 5, f"place {n}", "small muted", "start")
        f.arrow([(78, y), (740, y)], "blue", 3)
        for at, name, wide, colour in (
            (120, "attention", 82, "orange"),
            (420, "MLP", 56, "green"),
        ):
            top = y - 34
            f.arrow([(at, y), (at, top), (at + 22, top)], "blue")
            f.box(at + 24, top - 13, 36, 26, "LN", "ink", 0)
            f.arrow([(at + 62, top), (at + 82, top)])
            f.box(at + 84, top - 13, wide, 26, name, colour, 0.15)
            end = at + 84 + wide + 26
            f.arrow([(at + 86 + wide, top), (end, top), (end, y - 9)], colour)
            f.plus(end, y)
    for a in range(3):
        for b in range(a + 1, 3):
            at = {1: 245, 2: 281}[b - a]
            f.arrow(
                [(at, lanes[a] - 20), (at, lanes[b] - 48)],
                "orange",
                opacity=0.8,
            )
    f.text(100, 104, "x", "blue")
    f.text(372, 104, "h", "blue")
    f.text(674, 104, "y: to the next block", "small blue")
    f.text(674, 194, "[B, L, C] all the way", "small muted")
    return f


def windows():
    f = Figure(
        "A window is many lessons",
        "Five tokens go in; the targets are the same text one token later. "
        "Each place predicts its target from itself and what came before, and "
        "the loss is the mean of minus log p over all places.",
        246,
    )
    words = ["the", "cat", "sat", "on", "the", "mat"]
    left, step = 130, 120
    f.text(20, 200, "inputs x", "bold", "start")
    f.text(20, 220, "[B, L]", "small muted", "start")
    f.text(20, 46, "targets y", "bold", "start")
    f.text(20, 66, "[B, L]", "small muted", "start")
    f.box(left - 20, 94, 5 * step, 62, (), "ink", 0.04)
    f.text(20, 130, "the model", "bold", "start")
    for i in range(5):
        x = left + i * step + 40
        f.box(x - 44, 184, 88, 32, words[i], "blue", 0.12)
        f.arrow([(x, 182), (x, 158)], "blue")
        f.arrow([(x, 92), (x, 68)], "green")
        f.box(x - 44, 34, 88, 32, words[i + 1], "green", 0.12)
        f.text(x, 24, f"−log p({words[i + 1]})", "small muted")
        for j in range(i):
            f.arrow(
                [(left + j * step + 40, 156), (x - 6, 96)],
                "orange",
                1,
                opacity=0.35,
            )
    f.text(
        left + 2.5 * step - 20,
        240,
        "five predictions in one pass",
        "small muted",
    )
    return f
