# SPDX-License-Identifier: MIT
"""Intervals against published figures."""

import random
import statistics

import pytest
from mlx_llm_tutorial import intervals

# NIST/SEMATECH e-Handbook 1.3.6.7.2: quantiles of Student's t.
STUDENT = [
    (0.975, 1, 12.706),
    (0.975, 2, 4.303),
    (0.95, 4, 2.132),
    (0.975, 4, 2.776),
    (0.975, 30, 2.042),
    (0.995, 10, 3.169),
    (0.975, 100, 1.984),
    (0.975, 1e9, 1.960),
]
# Newcombe, Statistics in Medicine 17 (1998), table I, method 3 (Wilson).
WILSON = [
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0000, 0.1611),
    (1, 29, 0.0061, 0.1718),
]


@pytest.mark.parametrize("p, df, expected", STUDENT)
def test_students_t(p, df, expected):
    assert intervals.student_t(p, df) == pytest.approx(expected, abs=6e-4)


@pytest.mark.parametrize("wins, n, low, high", WILSON)
def test_wilson(wins, n, low, high):
    found = intervals.share(wins, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=6e-5)
    other = intervals.share(n - wins, n)  # the other side of the same coin
    assert (other.low, other.high) == pytest.approx(
        (1 - high, 1 - low), abs=6e-5
    )


def test_welch_is_students_mean_for_equal_groups():
    """Two groups with one variance: 2 (n - 1) degrees of freedom, by hand."""
    found = intervals.difference([2, 3, 4], [1, 2, 3])
    assert found.value == 1
    half = 2.776 * (2 / 3) ** 0.5
    assert found.high - found.value == pytest.approx(half, abs=1e-3)
    assert found.low == pytest.approx(1 - half, abs=1e-3) and found.holds(0)


def test_intervals_hold_what_is_true_19_times_of_20():
    """Three values each from two distributions whose means are 1 apart."""
    draw = random.Random(1).gauss
    n = 1000
    hit = [
        intervals.difference(
            [draw(1, 0.5) for _ in range(3)], [draw(0, 0.2) for _ in range(3)]
        ).holds(1)
        for _ in range(n)
    ]
    assert 0.93 < statistics.mean(hit) < 0.98
    one = [
        intervals.mean([draw(3, 2) for _ in range(4)]).holds(3)
        for _ in range(n)
    ]
    assert 0.93 < statistics.mean(one) < 0.97


def test_without_noise_there_is_no_width():
    found = intervals.difference([2, 2], [1, 1])
    assert (found.low, found.high) == (1, 1) and not found.holds(0)
    assert str(found) == "1.000 (1.000 to 1.000)"


@pytest.mark.parametrize("values", [[], [1.0], [1.0, float("nan")]])
def test_one_value_says_nothing_of_noise(values):
    with pytest.raises(ValueError, match="two or more finite.*more seeds"):
        intervals.mean(values)
    with pytest.raises(ValueError, match="two or more finite"):
        intervals.difference([1, 2], values)


@pytest.mark.parametrize("wins, n", [(0, 0), (-1, 3), (4, 3)])
def test_a_share_of_nothing(wins, n):
    with pytest.raises(ValueError, match="0 <= wins <= n"):
        intervals.share(wins, n)
