# SPDX-License-Identifier: MIT
"""The exercises of notebooks/fine-tuning.

What is expected is computed here with NumPy in float64, from the formulas of
the papers, on matrices that are not square, so that a wrong transposition is
seen.
"""

import mlx.core as mx
import mlx_llm_tutorial as llm
import numpy as np

from ..course import exercise

OUT, IN, RANK = 6, 10, 3


def near(found, wanted, what):
    """The same shape, and numbers as near as float32 allows."""
    shape = tuple(getattr(found, "shape", ()))
    assert shape == wanted.shape, (
        f"{what}: expected the shape {list(wanted.shape)} but received "
        f"{list(shape)}"
    )
    gap = np.abs(np.array(found, np.float64) - wanted).max()
    assert gap <= 1e-4 * max(
        1, np.abs(wanted).max()
    ), f"{what}: the shape is right, but a number differs by {gap:.3g}"


def draws(seed, *shapes):
    """Normal numbers of these shapes, float64."""
    draw = np.random.default_rng(seed)
    return [draw.normal(size=shape) for shape in shapes]


def arrays(values):
    return [mx.array(value.astype(np.float32)) for value in values]


@exercise
def counted_tokens(answer, usable, examples):
    """the answer counts with the token that ends it, the question does not."""
    for example in examples:
        most = usable.model.context_length
        judged = llm.evaluate_examples(usable, [example], max_length=most)
        wanted = judged["tokens"]
        found = answer(usable, example)
        assert found == wanted, (
            f"expected {wanted} tokens for {example.prompt[:30]!r} but "
            f"received {found}"
        )


@exercise
def lora_size(answer):
    """rank (in + out): a sum where the matrix itself has a product."""
    for out, in_, rank in [(576, 576, 8), (192, 576, 8), (1536, 576, 1)]:
        wanted = rank * in_ + rank * out
        found = answer(out, in_, rank)
        assert found == wanted, (
            f"expected {wanted} numbers for [{out}, {in_}] of rank {rank} but "
            f"received {found}"
        )


@exercise
def never_learns(answer):
    """with A and B zero no gradient reaches either, now or later."""
    A, B = map(mx.array, answer)
    assert A.shape == (16, 4) and B.shape == (4, 12), (
        f"expected A [16, 4] and B [4, 12] but received {list(A.shape)} and "
        f"{list(B.shape)}"
    )
    assert mx.abs(A @ B).max() == 0, "A B is not zero: the model is changed"
    x, y = arrays(draws(1, (20, 16), (20, 12)))

    def loss(A, B):
        return mx.square(x @ A @ B - y).mean()

    for name, gradient in zip("AB", mx.grad(loss, argnums=(0, 1))(A, B)):
        assert mx.abs(gradient).max() == 0, f"{name} has a gradient: it learns"


@exercise
def merged_weight(answer):
    """one matrix for both; after fusing an adapter costs nothing."""
    for seed in (1, 2):
        W, A, B = draws(seed, (OUT, IN), (IN, RANK), (RANK, OUT))
        found = answer(*arrays([W, A, B]), 1.5)
        near(found, W + 1.5 * (A @ B).T, "the merged weight")


def dora_by_numpy(x, W, A, B, m, scale):
    V = W + scale * (A @ B).T
    return x @ V.T * (m / np.linalg.norm(V, axis=1))


@exercise
def dora_linear(answer):
    """direction and length apart: m alone says how long each row is."""
    shapes = (2, 5, IN), (OUT, IN), (IN, RANK), (RANK, OUT)
    x, W, A, B = draws(3, *shapes)
    lengths = np.linalg.norm(W, axis=1)
    found = answer(*arrays([x, W, A, 0 * B, lengths]), 2.0)
    near(found, x @ W.T, "with B = 0 and m the lengths of the rows of W")
    m = np.abs(draws(4, (OUT,))[0]) + 0.5
    found = answer(*arrays([x, W, A, B, m]), 2.0)
    near(found, dora_by_numpy(x, W, A, B, m, 2.0), "with an adapter")


@exercise
def careful_dpo(answer):
    """the loss of both labels, by how much we trust them."""
    values = [20 * value for value in draws(5, *[(8,)] * 4)]
    for doubt in (0.0, 0.1, 0.4):
        pi_c, pi_r, ref_c, ref_r = values
        z = 0.3 * ((pi_c - ref_c) - (pi_r - ref_r))
        wanted = (1 - doubt) * np.logaddexp(0, -z) + doubt * np.logaddexp(0, z)
        found = answer(*arrays(values), 0.3, doubt)
        near(found, np.array(wanted.mean()), f"with a doubt of {doubt}")
    far = answer(*arrays([np.array([v]) for v in (1e3, -1e3, 0, 0)]), 1.0, 0.1)
    assert np.isfinite(far.item()), "a margin of 2000 nats: not a finite number"
