# SPDX-License-Identifier: MIT
"""Checkers of the notebook simple-llm. Each gets the learner's answer and
compares it with the library, or with mlx.optimizers."""

import math

import mlx.core as mx
import mlx_llm_tutorial as llm
import numpy as np

from ..course import exercise


def numbers(n, low, high, seed):
    """n whole numbers of low to high - 1, [n] int32."""
    return mx.random.randint(low, high, (n,), key=mx.random.key(seed))


@exercise
def perplexity(choices):
    """exp(loss). A model with a loss of 2.08 nats still chooses among 8."""
    for wanted in (1, 8, 50):
        received = choices(math.log(wanted))
        assert (
            received is not ...
        ), "the function returns `...`; return the number of letters."
        assert math.isclose(received, wanted, rel_tol=1e-6), (
            f"a loss of ln {wanted} = {math.log(wanted):.3f} nats is a choice "
            f"among {wanted} letters but received {received:.3f}."
        )


@exercise
def triples(triple_loss):
    """Counted as the library counts."""
    # Text with a pattern, so that triples matter; V = 7.
    train, val = (
        (mx.cumsum(numbers(n, 0, 3, seed)) % 7).astype(mx.int32)
        for n, seed in ((4000, 1), (900, 2))
    )
    rungs = llm.ngram_ladder(train, val, 7)
    rung = next(r for r in rungs if r.model == "add-k" and r.n == 3)
    received = triple_loss(train, val, 7, rung.k)
    assert math.isclose(received, rung.val_nats_per_char, abs_tol=1e-4), (
        f"expected a loss of {rung.val_nats_per_char:.4f} nats (k = "
        f"{rung.k:g}) but received {received:.4f}; are there V * V contexts, "
        "and is the mean over val.size() - 2 letters?"
    )


@exercise
def look_back(head):
    """Queries that ask for a place, keys that say which place they are."""
    for length, back in ((8, 1), (20, 2), (40, 5)):
        q, k = head(length, back)
        for name, array in (("queries", q), ("keys", k)):
            assert array.shape[:3] == (1, 1, length), (
                f"expected {name} [1, 1, {length}, D] but received "
                f"{list(array.shape)}."
            )
        weights = np.array(llm.nn.attention_weights(q, k))[0, 0]
        received = weights.diagonal(-back).min()
        assert received > 0.99, (
            f"for L = {length}, n = {back} the least weight on the place n "
            f"back is {received:.3f}; it has to be above 0.99. Is the score "
            "still large after the division by the root of D?"
        )


@exercise
def weight_count(count):
    """12 C C + 13 C for each block: nearly all of it is in the matrices."""
    for V, T, C, N in ((50, 64, 32, 1), (60, 256, 128, 4), (99, 16, 64, 3)):
        shape = llm.ModelShape(
            architecture="gpt2", layers=N, heads=4, width=C, bias=True
        )
        model = llm.make_model(llm.model_config(shape, V, T))
        received = count(V, T, C, N)
        assert received == model.parameter_count, (
            f"V = {V}, T = {T}, C = {C}, N = {N}: expected "
            f"{model.parameter_count:,} weights but received {received:,}."
        )


@exercise
def adamw(step):
    """The step of mlx.optimizers.AdamW, three times over."""
    import mlx.optimizers as optimizers

    rate = 0.01
    reference = optimizers.AdamW(
        rate, betas=[0.9, 0.95], weight_decay=0.1, bias_correction=True
    )
    p = expected = mx.random.normal((4, 5), key=mx.random.key(1))
    m = v = mx.zeros((4, 5))
    for t in (1, 2, 3):
        g = mx.random.normal((4, 5), key=mx.random.key(1 + t))
        expected = reference.apply_gradients({"p": g}, {"p": expected})["p"]
        p, m, v = step(p, g, m, v, rate, t)
        far = mx.abs(p - expected).max().item()
        assert far < 1e-5, (
            f"step {t}: the weights are up to {far:.2g} from those of "
            "mlx.optimizers.AdamW."
        )


@exercise
def top_k(keep):
    """As the library's keep_top_k."""
    for size, k in ((5, 1), (60, 10), (60, 60)):
        logits = mx.random.normal((size,), key=mx.random.key(size + k))
        received, expected = keep(logits, k), llm.keep_top_k(logits, k)
        assert received.shape == expected.shape, (
            f"expected logits {list(expected.shape)} but received "
            f"{list(received.shape)}."
        )
        kept = (received > -math.inf).sum().item()
        assert mx.array_equal(received, expected), (
            f"of {size} logits and k = {k}: {kept} are kept; keep the {k} "
            "largest as they are, -inf for the others."
        )
