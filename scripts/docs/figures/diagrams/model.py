# SPDX-License-Identifier: MIT
"""The model as a whole: its way from text to text, a block, what it reads."""

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
        "Text becomes token ids, each id a vector; N blocks change the vectors; "
        "a last norm and the head turn each vector into scores for all tokens; "
        "softmax and a draw give the next token, which is appended to the text.",
        470,
    )
    x, right = 250, 440
    words = ["Once", " upon", " a", " time"]

    def note(y, name, shape, where):
        f.text(right, y, name, "bold", "start")
        f.text(right + 150, y, shape, "mono small", "start")
        f.text(right, y + 18, where, "small muted", "start")

    def step(y, name):
        f.arrow([(x, y), (x, y + 34)])
        f.text(x + 12, y + 22, name, "small", "start")

    for i, word in enumerate(words):
        f.box(x - 128 + i * 64, 14, 60, 28, word.strip(), "ink", 0)
    note(28, "tokens", "L of them", "pieces of text")
    step(46, "tokenizer")
    for i, number in enumerate((6403, 1980, 253, 655)):  # SmolLM2
        f.box(x - 128 + i * 64, 84, 60, 28, str(number), "ink", 0)
    note(98, "ids", "[B, L]", "llm/tokenizers")
    step(116, "embedding")
    f.matrix(x - 2 * CELL, 154, STREAM, "blue")
    note(
        184, "residual stream", "[B, L, C]", "a vector for each token: wte, wpe"
    )
    step(228, "")
    for i in (1, 2):  # the edges of those behind
        f.line(
            [
                (x - 82 + 6 * i, 278 - 6 * i),
                (x + 76 + 6 * i, 278 - 6 * i),
                (x + 76 + 6 * i, 322 - 6 * i),
            ],
            "muted",
        )
    f.box(x - 88, 278, 84, 50, "attention", "orange", 0.15)
    f.box(x, 278, 76, 50, "MLP", "green", 0.15)
    note(296, "N blocks", "[B, L, C]", "look back, think, add: h")
    step(332, "norm and head")
    for i, tall in enumerate((0.12, 0.35, 0.05, 1, 0.2, 0.08, 0.5, 0.1)):
        f.box(
            x - 64 + i * 16,
            410 - 38 * tall,
            10,
            38 * tall,
            (),
            "blue",
            0.9 if tall == 1 else 0.3,
            rx=1,
        )
    note(388, "logits", "[B, L, V]", "a score for every token: ln_f, wte")
    f.text(x, 452, "softmax, draw: the next token", "small")
    f.arrow(
        [(x - 116, 447), (84, 447), (84, 28), (x - 136, 28)], "muted", dash=True
    )
    f.lines(74, 232, ["append,", "again"], "small muted", "end")
    return f


def block():
    f = Figure(
        "A block on the residual stream",
        "Three positions, each a line from left to right. Twice a branch leaves "
        "the line through a LayerNorm and comes back by a sum: first through "
        "attention, which also gets from earlier positions, then through the "
        "MLP, which works on each position alone.",
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


def context():
    f = Figure(
        "What counting sees, and what a GPT sees",
        "The same letters twice: Lily lost her hat. L, and the letter to "
        "predict. A table of 5 letters sees the last four. A GPT sees all of "
        "them and weighs them: most of the weight is on the i that followed the "
        "first L.",
        304,
    )
    text, size, left = "Lily lost her hat. L", 32, 26

    def letters(y, shown):
        for i, letter in enumerate(text):
            tint = shown(i)
            colour = "blue" if tint else "muted"
            f.cell(left + i * size, y, colour, tint, size)
            f.text(left + (i + 0.5) * size, y + 21, letter.replace(" ", "␣"))
        f.cell(left + len(text) * size, y, "orange", 0.15, size, dash=True)
        f.text(left + (len(text) + 0.5) * size, y + 21, "?", "bold")

    n = len(text)
    f.text(left, 28, "counting, 5 letters", "bold", "start")
    f.text(190, 28, "a table with a row for every 4 letters", "muted", "start")
    letters(42, lambda i: 0.35 if i >= n - 4 else 0)
    f.line(
        [
            (left + (n - 4) * size, 80),
            (left + (n - 4) * size, 88),
            (left + n * size, 88),
            (left + n * size, 80),
        ],
        "blue",
    )
    f.text(left + (n - 2) * size, 106, "“t. L” does not tell", "small")
    f.text(left, 136, "a GPT", "bold", "start")
    f.text(
        86,
        136,
        "weighs all that it has read (a sketch)",
        "muted",
        "start",
    )
    weights = {0: 0.25, 1: 0.9, 2: 0.2, 5: 0.1, 10: 0.08, 14: 0.08, 18: 0.2}
    letters(234, lambda i: weights.get(i, 0.04))
    end = left + (n - 0.5) * size
    for i, weight in weights.items():
        x = left + (i + 0.5) * size
        top = 232 - 0.16 * (end - x) - 6
        f.curve(
            f"M{x:.0f},232 C{x:.0f},{top:.0f} {end:.0f},{top:.0f} {end:.0f},232",
            "orange",
            1 + 3 * weight,
            0.35 + 0.6 * weight,
        )
    f.text(
        left + 1.5 * size,
        290,
        "“L” was here, “i” came next",
        "small",
        "start",
    )
    return f


def windows():
    f = Figure(
        "A window is many lessons",
        "Five tokens go in; the targets are the same text one token later. Each "
        "place predicts its target from itself and what came before, and the "
        "loss is the mean of minus log p over all places.",
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


def encoder_decoder():
    f = Figure(
        "Encoder and decoder",
        "Left, an encoder as BERT: every place sees every place, and a masked "
        "token in the middle is guessed from both sides. Right, a decoder as "
        "GPT: every place sees what came before, and each predicts the next "
        "token.",
        330,
    )
    sides = (
        (
            20,
            "encoder (BERT)",
            ["the", "[MASK]", "sat"],
            ["", "cat", ""],
            lambda i, j: True,
            [
                "guesses what is hidden, from both sides",
                "classify, search, tag",
            ],
        ),
        (
            400,
            "decoder (GPT)",
            ["the", "cat", "sat"],
            ["cat", "sat", "on"],
            lambda i, j: j <= i,
            ["predicts what comes next, at every place", "write"],
        ),
    )
    for left, name, below, above, sees, notes in sides:
        f.text(left + 165, 24, name, "bold")
        for i in range(3):
            x = left + 40 + i * 84
            f.box(x - 36, 220, 72, 30, below[i], "blue", 0.12)
            f.box(x - 16, 92, 32, 24, (), "blue", 0.12)
            if above[i]:
                f.arrow([(x, 90), (x, 72)], "green")
                f.box(x - 36, 40, 72, 30, above[i], "green", 0.15)
            for j in range(3):
                if sees(i, j):
                    start = left + 40 + j * 84
                    f.arrow(
                        [(start, 218), (x + 8 * (j - i), 118)],
                        "orange" if i != j else "blue",
                        opacity=0.75,
                    )
        for i in range(3):
            for j in range(3):
                x, y = left + 264 + j * 20, 140 + i * 20
                tint = 0.5 if sees(i, j) else 0
                f.cell(x, y, "orange" if tint else "muted", tint, 20)
        f.text(left + 294, 130, "mask", "small muted")
        f.text(left + 165, 284, notes[0], "small")
        f.text(left + 165, 304, notes[1], "small muted")
    f.line([(380, 40), (380, 310)], "muted", dash=True)
    return f


def looking_inside():
    f = Figure(
        "Where each view takes its numbers",
        "A model from left to right: embeddings, block 0, other blocks, last "
        "norm and head, logits, sampler, token. Queries and keys of a block are "
        "the attention view; the residual stream between blocks feeds the logit "
        "lens and takes steering vectors; heads and MLPs can be scaled; logits "
        "are the probability view; the stages of the sampler are the X-ray.",
        330,
    )
    y = 150
    f.text(26, y + 5, "ids", "", "start")
    f.arrow([(52, y), (76, y)])
    f.box(78, y - 24, 92, 48, "embedding", "blue", 0.12)
    f.arrow([(172, y), (206, y)], "blue", 3)
    f.box(208, y - 40, 150, 80, (), "ink", 0)
    f.box(218, y - 28, 76, 56, "attention", "orange", 0.15)
    f.box(300, y - 28, 48, 56, "MLP", "green", 0.15)
    f.text(358, y - 46, "N times", "small muted", "end")
    f.arrow([(360, y), (420, y)], "blue", 3)
    f.box(422, y - 24, 74, 48, ["norm,", "head"], "blue", 0.12)
    f.arrow([(498, y), (530, y)])
    f.box(532, y - 24, 64, 48, "logits", "ink", 0.04)
    f.arrow([(598, y), (628, y)])
    f.box(630, y - 24, 76, 48, "sampler", "ink", 0.04)
    f.arrow([(708, y), (740, y)])

    def view(x, name, what, tap, colour, up=True):
        top = 40 if up else 262
        f.text(x, top, name, "bold")
        f.text(x, top + 18, what, "small muted")
        if up:
            f.arrow([(tap, y - 42), (tap, top + 28)], colour, dash=True)
        else:
            f.arrow([(tap, top - 18), (tap, y + 30)], colour, dash=True)

    view(240, "attention view", "queries and keys", 240, "orange")
    view(412, "logit lens", "the stream, to the head", 390, "blue")
    view(562, "probabilities", "softmax", 564, "ink")
    view(690, "sampler X-ray", "after each stage", 668, "ink")
    view(100, "what if: a token", "another id", 40, "ink", up=False)
    f.parts[-2:] = []  # its arrow is drawn below, past the text
    f.arrow([(40, 244), (40, 160)], "ink", dash=True)
    view(276, "ablation", "a head or an MLP times 0", 256, "orange", up=False)
    f.arrow([(324, 244), (324, y + 30)], "green", dash=True)
    view(474, "steering", "a vector is added", 390, "blue", up=False)
    f.parts[-2:] = []
    f.arrow([(436, 257), (390, 257), (390, y + 8)], "blue", dash=True)
    f.text(
        380, 308, "above: what is read; below: what is changed", "small muted"
    )
    return f
