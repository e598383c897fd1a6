# SPDX-License-Identifier: MIT
"""Right or not yet: the exercises of notebooks/compare-results."""

import math

from mlx_llm_tutorial import intervals
from mlx_llm_tutorial.course import exercise


@exercise
def perplexity(answer):
    """long texts count more, as they should."""
    losses, tokens = [1.0, 3.0], [30, 10]
    found = answer(losses, tokens)
    assert found is not ..., "the function has no answer yet."
    mean = (math.exp(1) + math.exp(3)) / 2
    assert not math.isclose(found, mean), "that is the mean of perplexities."
    assert not math.isclose(found, math.exp(2)), "long texts count more."
    assert not math.isclose(found, 1.5), "that is the loss; math.exp of it."
    expected = math.exp(1.5)
    assert math.isclose(
        found, expected
    ), f"for losses {losses}, tokens {tokens} expected {expected:.3f}."
    assert math.isclose(answer([0.7], [5]), math.exp(0.7)), "one text alone."


@exercise
def bits_per_byte(answer):
    """now models with different tokenizers can be compared."""
    for nats, text in [(10.0, "ten bytes!"), (6.0, "Zürich 東京")]:
        found = answer(nats, text)
        assert found is not ..., "the function has no answer yet."
        expected = nats / math.log(2) / len(text.encode())
        by_letter = nats / math.log(2) / len(text)
        assert not (
            math.isclose(found, by_letter) and by_letter != expected
        ), f"{text!r} has {len(text.encode())} bytes, not {len(text)}."
        nats_too = nats / len(text.encode())
        assert not math.isclose(found, nats_too), "those are nats, not bits."
        assert math.isclose(
            found, expected
        ), f"for {nats} nats of {text!r} expected {expected:.4f}."


@exercise
def votes(answer):
    """20 of 30, two thirds, may still be chance."""
    assert answer == int(answer), "expected a whole number."
    low = intervals.share(int(answer), 30).low
    assert low > 0.5, f"with {answer} wins the interval begins at {low:.1%}."
    less = intervals.share(int(answer) - 1, 30).low
    assert less <= 0.5, f"{answer - 1} wins are enough already."


@exercise
def leaks(answer):
    """what is in both judges memory, not skill."""
    train = ["What is a token?", "Who are you", "Say  hello.", "Add 2 and 2"]
    test = ["who are you?", "Say hello", "What is a byte?", "Add 2 and 3"]
    found = answer(train, test)
    assert found is not ..., "the function has no answer yet."
    found = list(found)
    assert "What is a byte?" not in found, "nobody trained on bytes here."
    assert "Add 2 and 3" not in found, "3 is not 2: the texts differ."
    assert "who are you?" in found, "capitals and the mark do not count."
    assert "Say hello" in found, "two blanks are as good as one."
    assert found == test[:2], f"expected {test[:2]} but received {found}."


@exercise
def sign_flip(answer):
    """no formula and no bell curve, only coins."""
    cases = [
        ([1.0, 2.0, 3.0], 2 / 8),
        ([1.0] * 10, 2 / 1024),
        ([1.0, -1.0], 1.0),
        # Fisher's (1935, section 21) fifteen pairs of Darwin's plants, cross-
        # less self-fertilized, in eighths of an inch: 1726 of 32768.
        (
            [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48],
            1726 / 32768,
        ),
    ]
    for x, expected in cases:
        found = answer([float(value) for value in x])
        assert math.isclose(
            found, expected, abs_tol=1e-9
        ), f"for {x} expected {expected:.6f} but received {found:.6f}."
