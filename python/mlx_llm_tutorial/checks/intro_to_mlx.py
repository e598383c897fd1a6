# SPDX-License-Identifier: MIT
"""Checkers of the exercises in notebooks/intro-to-mlx.ipynb. References are
MLX's own operations, its optimizers, NumPy and the library of the course.
"""

import time
from unittest import mock

import mlx.core as mx
import numpy as np
from mlx import optimizers

import mlx_llm_tutorial as llm

from ..course import exercise

# Exercise 2. `y` has a million numbers and is not computed yet.
LINES = {
    "A": "z = y + 1",
    "B": "text = str(y)",
    "C": "z = y.reshape(1024, 1024)",
    "D": "number = y.sum().item()",
    "E": "is_positive = bool(y[0] > 0)",
    "F": "n = y.shape[0]",
    "G": "z = np.array(y)",
    "H": "z = y.astype(mx.float16)",
}


def draw(seed, *shape):
    """Normal numbers [*shape], the same in every run."""
    return mx.random.normal(shape, key=mx.random.key(seed))


def is_array(got, shape, dtype=mx.float32):
    assert isinstance(got, mx.array), f"expected an mx.array, not {got!r}."
    assert got.shape == shape, f"expected shape {shape}, not {got.shape}."
    assert got.dtype == dtype, f"expected {dtype}, not {got.dtype}."


def is_close(got, wanted, tolerance, what):
    """Numbers of the same shape; says the largest difference."""
    got, wanted = np.array(got), np.array(wanted)
    assert np.isfinite(got).all(), f"{what}: some numbers are not finite."
    difference = np.abs(got - wanted).max()
    message = f"{what}: off by up to {difference:.2g}."
    assert difference <= tolerance, message


# --- 1. softmax ----------------------------------------------------------------


@exercise
def softmax(answer):
    """equal to mx.softmax, and large numbers do no harm."""
    x = draw(1, 3, 5)
    got = answer(x)
    is_array(got, (3, 5))
    is_close(got.sum(-1), mx.ones(3), 1e-5, "the sums of the rows, against 1")
    is_close(got, mx.softmax(x, -1), 1e-6, "against mx.softmax")
    large = answer(x + 1000)
    assert mx.isfinite(large).all().item(), (
        "softmax(x + 1000) is not finite, because exp(1000) is more than a "
        "float holds; subtract each row's largest number before exp."
    )
    is_close(large, mx.softmax(x + 1000, -1), 1e-6, "softmax(x + 1000)")


# --- 2. who needs numbers? ------------------------------------------------------


def needs_numbers(line):
    """Whether the line computes y. Found out, not looked up: an array that is
    not computed takes no memory."""
    y = mx.arange(1 << 20) + 1.0
    before = mx.get_active_memory()
    exec(line, {"y": y, "mx": mx, "np": np})
    return mx.get_active_memory() - before > y.nbytes / 2


@exercise
def evaluates(answer):
    """only who needs the numbers makes MLX compute them."""
    given = {str(letter).upper() for letter in answer}
    unknown = ", ".join(sorted(given - set(LINES)))
    assert not unknown, f"expected letters from A to H, not {unknown}."
    truth = {letter for letter, line in LINES.items() if needs_numbers(line)}
    wrong = ", ".join(sorted(given ^ truth))
    assert not wrong, f"look again at {wrong}."


# --- 3. an honest stopwatch ------------------------------------------------------


@exercise
def seconds(answer):
    """the watch is stopped after the work is done."""
    results, memory = [], []

    def work():
        results.append(mx.arange(1 << 20) + float(len(results)))
        return results[-1]

    def watched(clock):
        def read():
            memory.append(mx.get_active_memory())
            return clock()

        return read

    clocks = ("perf_counter", "monotonic", "time")
    watches = {name: watched(getattr(time, name)) for name in clocks}
    with mock.patch.multiple(time, **watches):
        got = answer(work)
    assert isinstance(got, float), f"expected seconds, a float, not {got!r}."
    assert got >= 0, f"expected seconds, not {got}."
    assert results, "expected f() to be called."
    assert len(memory) >= 2, "expected the clock to be read before and after."
    message = "when the watch was stopped, f's result was not computed yet."
    assert memory[-1] - memory[0] > results[-1].nbytes / 2, message


# --- 4. layer norm ---------------------------------------------------------------


@exercise
def layer_norm(answer):
    """values and all three gradients equal those of llm.nn.layer_norm."""
    weight, bias = 1 + draw(2, 6) / 10, draw(3, 6) / 10
    for shape in ((4, 6), (2, 3, 6)):
        x = 2 * draw(4, *shape) + 1
        got = answer(x, weight, bias, 1e-5)
        is_array(got, shape)
        wanted = llm.nn.layer_norm(x, weight, bias, 1e-5)
        is_close(got, wanted, 1e-5, f"x of shape {shape}")
    small = 1e-3 * draw(4, 4, 6)
    got = answer(small, weight, bias, 1e-5)
    wanted = llm.nn.layer_norm(small, weight, bias, 1e-5)
    is_close(got, wanted, 1e-5, "small numbers, where eps counts")
    far = answer(draw(4, 4, 6) + 1000, weight, bias, 1e-5)
    wanted = llm.nn.layer_norm(draw(4, 4, 6), weight, bias, 1e-5)
    message = "x + 1000 (take the mean of (x - mean) squared)"
    is_close(far, wanted, 1e-2, message)
    same_gradients(answer, llm.nn.layer_norm, x, weight, bias)


def same_gradients(f, reference, x, weight, bias):
    by = draw(5, *x.shape)  # else the gradient of x would be 0

    def gradients(g):
        def loss(x, weight, bias):
            return (by * g(x, weight, bias, 1e-5)).sum()

        return mx.grad(loss, argnums=(0, 1, 2))(x, weight, bias)

    for name, got, wanted in zip(
        ("x", "weight", "bias"), gradients(f), gradients(reference)
    ):
        is_close(got, wanted, 1e-4, f"the gradient of {name}")


# --- 5. gradients of single examples ---------------------------------------------


@exercise
def per_example(answer):
    """row n is the gradient of example n alone, as the formula says."""
    w, x, y = draw(6, 3), draw(7, 5, 3), draw(8, 5)
    got = answer(w, x, y)
    is_array(got, (5, 3))
    w, x, y = np.array(w), np.array(x), np.array(y)
    wanted = 2 * (x @ w - y)[:, None] * x
    is_close(got, wanted, 1e-5, "against 2 (x w - y) x")


# --- 6. Nesterov's momentum ------------------------------------------------------


@exercise
def nesterov(answer):
    """ten steps like those of mlx.optimizers.SGD(nesterov=True)."""
    rate, momentum = 0.1, 0.9
    optimizer = optimizers.SGD(rate, momentum=momentum, nesterov=True)
    wanted = {"a": draw(9, 4), "b": draw(10, 2, 3)}
    p = list(wanted.values())
    v = [mx.zeros_like(a) for a in p]
    for step in range(1, 11):
        # The gradients of the sum of p^4 / 4, at the place where p is.
        p, v = answer(p, v, [a**3 for a in p], rate, momentum)
        assert len(p) == len(v) == 2, "expected as many arrays as were given."
        gradients = {name: a**3 for name, a in wanted.items()}
        wanted = optimizer.apply_gradients(gradients, wanted)
        for got, right in zip(p, wanted.values()):
            is_array(got, right.shape)
            is_close(got, right, 1e-4, f"the parameters after step {step}")
