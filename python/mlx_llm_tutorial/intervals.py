# SPDX-License-Identifier: MIT
"""How sure a figure is: 95 % intervals of a mean, of the difference of two means
(Welch 1947) and of a share (Wilson 1927). An interval that holds the value of
"no difference" says that the data fit it.
"""

import math
import statistics
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np


@dataclass(frozen=True)
class Interval:
    """An estimate with the range that fits the data."""

    value: float
    low: float
    high: float

    def holds(self, number):
        """Does `number` fit the data?"""
        return self.low <= number <= self.high

    def __str__(self):
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def mean(values, confidence=0.95):
    """Of the mean of independent values. ValueError for fewer than two: one
    value says nothing about its noise."""
    values = several("mean", values)
    error = statistics.stdev(values) / math.sqrt(len(values))
    return around(statistics.mean(values), error, len(values) - 1, confidence)


def difference(first, second, confidence=0.95):
    """Of mean(first) - mean(second), for groups of independent values that may
    have different noise (Welch). ValueError for fewer than two in a group."""
    a, b = several("difference", first), several("difference", second)
    va = statistics.variance(a) / len(a)
    vb = statistics.variance(b) / len(b)
    gap = statistics.mean(a) - statistics.mean(b)
    if va + vb == 0:
        return Interval(gap, gap, gap)
    df = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
    return around(gap, math.sqrt(va + vb), df, confidence)


def share(wins, n, confidence=0.95):
    """Of the share wins / n (Wilson's score): also right for few trials and near
    0 and 1. ValueError unless 0 <= wins <= n and n > 0."""
    if not 0 <= wins <= n or n == 0:
        raise ValueError(
            f"[share] expected 0 <= wins <= n and n > 0 but received {wins} of "
            f"{n}."
        )
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    p, scale = wins / n, 1 + z * z / n
    middle = (p + z * z / (2 * n)) / scale
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / scale
    return Interval(p, max(0.0, middle - half), min(1.0, middle + half))


def several(where, values):
    values = [float(x) for x in values]
    if len(values) < 2 or not all(map(math.isfinite, values)):
        raise ValueError(
            f"[{where}] expected two or more finite values but received "
            f"{values}; run more seeds."
        )
    return values


def around(value, error, df, confidence):
    half = student_t((1 + confidence) / 2, df) * error
    return Interval(value, value - half, value + half)


def student_t(p, df):
    """The p quantile (p >= 1/2) of Student's t with df degrees of freedom.
    With t = sqrt(df) tan(a) its density is cos(a)^(df - 1)."""
    df = min(df, 10_000)  # almost the normal distribution already
    angle = np.linspace(0, math.pi / 2, 10_001)
    density = np.cos(angle) ** (df - 1)
    area = np.cumsum((density[1:] + density[:-1]) / 2)
    at = np.interp((2 * p - 1) * area[-1], area, angle[1:])
    return float(math.sqrt(df) * math.tan(at))
