# SPDX-License-Identifier: MIT
"""Models side by side, and where one can look into a model."""

from .svg import Figure

LINE = "Lily lost her hat. L"
LETTER = 32  # side of its cell


def context():
    f = Figure(
        "What counting sees, and what a GPT sees",
        "The same letters twice: Lily lost her hat. L, and the letter to "
        "predict. A table of 5 letters sees the last four. A GPT sees all of "
        "them and weighs them: most of the weight is on the i that followed "
        "the first L.",
        304,
    )
    left, n = 26, len(LINE)
    f.text(left, 28, "counting, 5 letters", "bold", "start")
    f.text(190, 28, "a table with a row for every 4 letters", "muted", "start")
    draw_letters(f, left, 42, {i: 0.35 for i in range(n - 4, n)})
    begin, end = left + (n - 4) * LETTER, left + n * LETTER
    f.line([(begin, 80), (begin, 88), (end, 88), (end, 80)], "blue")
    f.text((begin + end) / 2, 106, "“t. L” does not tell", "small")
    f.text(left, 136, "a GPT", "bold", "start")
    note = "weighs all that it has read (a sketch)"
    f.text(86, 136, note, "muted", "start")
    weights = {0: 0.25, 1: 0.9, 2: 0.2, 5: 0.1, 10: 0.08, 14: 0.08, 18: 0.2}
    draw_letters(f, left, 234, weights, others=0.04)
    end -= LETTER / 2
    for i, weight in weights.items():
        x = left + (i + 0.5) * LETTER
        top = round(226 - 0.16 * (end - x))
        path = f"M{x:.0f},232 C{x:.0f},{top} {end:.0f},{top} {end:.0f},232"
        f.curve(path, "orange", 1 + 3 * weight, 0.35 + 0.6 * weight)
    note = "“L” was here, “i” came next"
    f.text(left + 1.5 * LETTER, 290, note, "small", "start")
    return f


def draw_letters(f, left, y, tints, others=0):
    """The line, and the letter to predict."""
    for i, letter in enumerate(LINE):
        tint = tints.get(i, others)
        colour = "blue" if tint else "muted"
        f.cell(left + i * LETTER, y, colour, tint, LETTER)
        middle = left + (i + 0.5) * LETTER
        f.text(middle, y + 21, letter.replace(" ", "␣"))
    x = left + len(LINE) * LETTER
    f.cell(x, y, "orange", 0.15, LETTER, dash=True)
    f.text(x + LETTER / 2, y + 21, "?", "bold")


def encoder_decoder():
    f = Figure(
        "Encoder and decoder",
        "Left, an encoder as BERT: every place sees every place, and a masked "
        "token in the middle is guessed from both sides. Right, a decoder as "
        "GPT: every place sees what came before, and each predicts the next "
        "token.",
        330,
    )
    encoder = (["the", "[MASK]", "sat"], ["", "cat", ""])
    f.text(185, 24, "encoder (BERT)", "bold")
    draw_side(f, 20, *encoder, lambda i, j: True)
    f.text(185, 284, "guesses what is hidden, from both sides", "small")
    f.text(185, 304, "classify, search, tag", "small muted")
    decoder = (["the", "cat", "sat"], ["cat", "sat", "on"])
    f.text(565, 24, "decoder (GPT)", "bold")
    draw_side(f, 400, *decoder, lambda i, j: j <= i)
    f.text(565, 284, "predicts what comes next, at every place", "small")
    f.text(565, 304, "write", "small muted")
    f.line([(380, 40), (380, 310)], "muted", dash=True)
    return f


def draw_side(f, left, below, above, sees):
    """Three tokens, who sees whom, and what is predicted."""
    for i in range(3):
        x = left + 40 + i * 84
        f.box(x - 36, 220, 72, 30, below[i], "blue", 0.12)
        f.box(x - 16, 92, 32, 24, (), "blue", 0.12)
        if above[i]:
            f.arrow([(x, 90), (x, 72)], "green")
            f.box(x - 36, 40, 72, 30, above[i], "green", 0.15)
        for j in range(3):
            seen = sees(i, j)
            colour = "orange" if seen else "muted"
            mask = (left + 264 + j * 20, 140 + i * 20)
            f.cell(*mask, colour, 0.5 if seen else 0, 20)
            if seen:
                way = [(left + 40 + j * 84, 218), (x + 8 * (j - i), 118)]
                f.arrow(way, "orange" if i != j else "blue", opacity=0.75)
    f.text(left + 294, 130, "mask", "small muted")


def looking_inside():
    f = Figure(
        "Where each view takes its numbers",
        "A model from left to right: embedding, blocks, last norm and head, "
        "logits, sampler. Queries and keys of a block are the attention view; "
        "the residual stream between blocks feeds the logit lens and takes "
        "steering vectors; heads and MLPs can be scaled; logits "
        "are the probability view; the stages of the sampler are the X-ray.",
        330,
    )
    y = 150
    draw_model(f, y)
    for x, name, what, tap, colour in (
        (240, "attention view", "queries and keys", 240, "orange"),
        (412, "logit lens", "the stream, to the head", 390, "blue"),
        (562, "probabilities", "softmax", 564, "ink"),
        (690, "sampler X-ray", "after each stage", 668, "ink"),
    ):
        f.text(x, 40, name, "bold")
        f.text(x, 58, what, "small muted")
        f.arrow([(tap, y - 42), (tap, 68)], colour, dash=True)
    for x, name, what in (
        (100, "what if: a token", "another id"),
        (276, "ablation", "a head or an MLP times 0"),
        (474, "steering", "a vector is added"),
    ):
        f.text(x, 262, name, "bold")
        f.text(x, 280, what, "small muted")
    f.arrow([(40, 244), (40, y + 10)], "ink", dash=True)
    f.arrow([(256, 244), (256, y + 30)], "orange", dash=True)
    f.arrow([(324, 244), (324, y + 30)], "green", dash=True)
    f.arrow([(436, 257), (390, 257), (390, y + 8)], "blue", dash=True)
    note = "above: what is read; below: what is changed"
    f.text(380, 308, note, "small muted")
    return f


def draw_model(f, y):
    """From ids to the sampler, along the line y."""
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
