# SPDX-License-Identifier: MIT
"""How a token is chosen, and how a trained layer is adapted."""

import math

from .svg import Figure

LOGITS = {  # made up
    " time": 4.0,
    " dream": 3.1,
    " tree": 2.7,
    " hill": 2.2,
    " day": 1.6,
    " rock": 0.9,
    " the": -0.2,
    " of": -1.5,
}


def softmax(logits):
    """None is a token that was removed."""
    e = [0 if x is None else math.exp(x) for x in logits]
    return [x / sum(e) for x in e]


def top_k(logits, k):
    kept = sorted(logits, key=lambda x: -x)[:k]
    return [x if x in kept else None for x in logits]


def top_p(logits, p):
    """`logits` are in descending order, the removed ones last."""
    out, before = [], 0.0
    for x, share in zip(logits, softmax(logits)):
        out.append(x if x is not None and before < p else None)
        before += share
    return out


def min_p(logits, p):
    best = max(x for x in logits if x is not None)
    least = best + math.log(p)
    return [x if x is not None and x >= least else None for x in logits]


def temperature(logits, t):
    return [None if x is None else x / t for x in logits]


def chain():
    """(name, logits) after each stage, in the order of llm/generation."""
    x = list(LOGITS.values())
    stages = [("the model", x)]
    for name, change in (
        ("top-k 6", lambda x: top_k(x, 6)),
        ("top-p 0.95", lambda x: top_p(x, 0.95)),
        ("min-p 0.2", lambda x: min_p(x, 0.2)),
        ("temperature 0.7", lambda x: temperature(x, 0.7)),
    ):
        x = change(x)
        stages.append((name, x))
    return stages


def sampler_chain():
    f = Figure(
        "The sampler chain",
        "Probabilities of eight next tokens after each stage: the model's own, "
        "top-k 6, top-p 0.95, min-p 0.2, temperature 0.7. Each filter removes "
        "tokens, what is left is divided by its sum; the temperature removes "
        "nothing and sharpens. Then one token is drawn.",
        330,
    )
    step, left, wide = 128, 84, 84
    for row, token in enumerate(LOGITS):
        f.text(72, 70 + row * 28, token.replace(" ", "␣"), "mono small", "end")
    for column, (name, logits) in enumerate(chain()):
        x = left + column * step
        f.text(x + 40, 28, name, "bold")
        for row, p in enumerate(softmax(logits)):
            y = 54 + row * 28
            if logits[row] is None:
                f.line([(x, y + 11), (x + 14, y + 11)], "muted", dash=True)
                f.text(x + 20, y + 16, "removed", "small muted", "start")
            else:
                f.box(x, y, max(2, wide * p / 0.75), 22, (), "blue", 0.3, rx=2)
                end = x + wide * p / 0.75 + 6
                f.text(
                    end,
                    y + 16,
                    f"{100 * p:.0f} %" if p > 0.01 else "< 1 %",
                    "small",
                    "start",
                )
    f.text(
        380,
        306,
        "then one draw by what is left; the penalties, if any, come first",
        "small muted",
    )
    return f


def lora():
    f = Figure(
        "LoRA: a frozen layer and a small one beside it",
        "A linear layer with its frozen weight W, out rows and in columns. "
        "Beside it the input goes through A, in by r, and B, r by out, times a "
        "scale, and is added to the output. Only A and B are trained.",
        310,
    )
    f.text(30, 160, "x", "bold")
    f.text(30, 180, "[…, in]", "small muted")
    f.line([(52, 155), (90, 155)], "blue", 2)
    f.arrow([(90, 155), (90, 90), (150, 90)], "blue", 2)
    f.arrow([(90, 155), (90, 240), (150, 240)], "blue", 2)
    f.box(152, 30, 200, 120, ["W", "[out, in]"], "muted", 0.12)
    f.text(252, 170, "frozen; may be packed in 4 bits", "small muted")
    f.arrow([(354, 90), (600, 90), (600, 143)], "muted", 2)
    f.box(152, 205, 130, 70, ["A", "[in, r]"], "orange", 0.18)
    f.arrow([(284, 240), (334, 240)], "orange", 2)
    f.text(309, 232, "[…, r]", "small muted")
    f.box(336, 222, 130, 36, "B [r, out]", "orange", 0.18)
    f.arrow([(468, 240), (506, 240)], "orange", 2)
    f.box(508, 224, 62, 32, "· scale", "ink", 0)
    f.arrow([(572, 240), (600, 240), (600, 165)], "orange", 2)
    f.plus(600, 154, "blue")
    f.arrow([(610, 154), (668, 154)], "blue", 2)
    f.text(700, 160, "y", "bold")
    f.text(700, 180, "[…, out]", "small muted")
    f.text(
        310, 298, "trained: r (in + out) numbers in place of in · out", "small"
    )
    f.text(520, 280, "B begins as zeros", "small muted", "start")
    return f
