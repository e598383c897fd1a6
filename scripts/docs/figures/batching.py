# SPDX-License-Identifier: MIT
"""Many texts side by side, and guesses from the text so far."""

from runner import result
from style import BLUE, MUTED, ORANGE, bars, new_figure

TITLE = "Texts side by side, and guessed tokens"
DESCRIPTION = (
    "Left: tokens a second of all texts together, for 1 to 16 texts side by "
    "side. Right: how many times as fast prompt lookup writes, where a text "
    "repeats itself and where it does not."
)
INPUTS = ["benchmarks/results/writing.json"]
GUESSES = "guess_4"


def draw():
    r = result("writing")
    values = r["summary"]["side by side"]["tokens_per_s"]["values"]
    rows = [
        (name.split("_")[1], found["median"], BLUE)
        for name, found in values.items()
    ]
    figure, (left, right) = new_figure(260, columns=2)
    bars(left, rows, "", room=1.3)
    left.set_title("Tokens a second, by texts side by side")
    rows = []
    for case, gains in r["gains"].items():
        if case.startswith("guessing, ") and GUESSES in gains:
            name = case.removeprefix("guessing, ")
            value = gains[GUESSES]["median"]
            rows.append((name, value, BLUE if value > 1 else MUTED))
    bars(right, rows, "", places=2, room=1.45)
    right.axvline(1, color=ORANGE, linewidth=1.5, linestyle=(0, (5, 3)))
    right.set_title("Guessing 4 tokens: times as fast")
    return figure
