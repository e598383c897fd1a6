# SPDX-License-Identifier: MIT
"""Right or not yet: the exercises of notebooks/experiments."""

from mlx_llm_tutorial.course import exercise
from mlx_llm_tutorial.experiments import grid


@exercise
def budget(answer):
    """every combination, with every seed."""
    assert len(answer) == 2, "expected (runs, minutes)."
    runs, minutes = answer
    expected = len(
        grid({"width": [1, 2, 3, 4], "rate": [1, 2, 3]}, seeds=(1, 2, 3))
    )
    assert runs != expected / 3, "each combination is run with every seed."
    assert runs == expected, f"{runs} runs is not it: multiply the choices."
    assert minutes != expected * 5, "those are seconds."
    assert minutes == expected * 5 / 60, f"{minutes} minutes is not it."


@exercise
def within_noise(answer):
    """no difference shown is not the same as no difference."""
    cases = [
        ([0.71, 0.69, 0.73], [0.70, 0.72, 0.68], True),
        ([0.71, 0.69, 0.73], [0.60, 0.61, 0.59], False),
        ([0.60, 0.61, 0.59], [0.71, 0.69, 0.73], False),
        ([0.70, 0.80], [0.60, 0.69], True),  # two seeds that vary
        ([0.601, 0.602, 0.600], [0.606, 0.607, 0.605], False),
    ]
    for a, b, expected in cases:
        found = answer(a, b)
        assert found is not ..., "the function has no answer yet."
        assert bool(found) == expected, (
            f"for {a} and {b} expected {expected} but received {found}; ask "
            "whether the interval of the difference holds 0."
        )


@exercise
def equal_budget(answer):
    """now only the context differs, not how much is read."""
    for tokens, blocks in [(1024, [16, 64, 256]), (512, [8, 96, 512])]:
        points = answer(tokens, blocks)
        assert points is not ..., "the function has no answer yet."
        wanted = [b for b in blocks if tokens % b == 0]
        found = [point.get("train.block") for point in points]
        assert found == wanted, f"expected the blocks {wanted}, got {found}."
        for point in points:
            extra = set(point) - {"train.block", "train.batch"}
            assert not extra, f"a point has {extra} too: vary one thing."
            batch = point.get("train.batch")
            assert isinstance(batch, int), f"a batch of {batch!r}: use //."
            read = batch * point["train.block"]
            assert read == tokens, f"{point} reads {read} tokens a step."


def lines_of(table):
    return [
        {"settings": {"x": x}, "seed": seed, "val_loss": loss}
        for x, losses in table.items()
        for seed, loss in enumerate(losses, 1)
    ]


@exercise
def better_half(answer):
    """half of the runs, nearly all of the knowledge."""
    cases = [
        ({1: [0.9, 0.7], 2: [0.5, 0.6], 3: [0.4, 0.9], 4: [0.8, 0.8]}, [2, 3]),
        ({1: [0.9], 2: [0.8], 3: [0.7]}, [3, 2]),
        ({1: [0.1, None], 2: [0.8, 0.8], 3: [0.9, 0.7], 4: [2, 2]}, None),
    ]
    for table, expected in cases:
        found = answer(lines_of(table))
        assert found is not ..., "the function has no answer yet."
        names = [settings.get("x") for settings in found]
        if expected is None:
            assert 1 not in names, "a setting with a failed run is not kept."
            assert sorted(names) == [2, 3], f"expected 2 and 3, got {names}."
        else:
            assert names == expected, (
                f"for {table} expected {expected} but received {names}; mean "
                "over the seeds first, then sort."
            )


# The mean of the largest of k standard normal numbers (Harter 1961).
LARGEST = {1: 0.0, 2: 0.56419, 5: 1.16296, 20: 1.86748}


@exercise
def best_of(answer):
    """so run the winner again, with new seeds."""
    for k, expected in LARGEST.items():
        found = answer(k, 20_000)
        assert abs(found - expected) < 0.04, (
            f"the best of {k} is {expected:.2f} too good on the mean, "
            f"you have {found:.2f}; the largest of {k} draws, then the mean of "
            "those."
        )
