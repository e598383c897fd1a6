# SPDX-License-Identifier: MIT
"""Right or not yet: the exercises of notebooks/visualization. They need no
trained model: attention is drawn at random, models are small and new.
"""

import types

import mlx.core as mx
import mlx_llm_tutorial as llm
import numpy as np
from mlx_llm_tutorial.course import exercise

TOKENS = [3, 1, 4, 1, 5, 2, 3, 1, 4, 0, 5, 5]


def causal_rows(T, seed):
    """Attention of one head, [T, T] float32: rows sum to 1, none sees later
    keys."""
    scores = np.random.default_rng(seed).normal(0, 1.5, (T, T))
    weights = np.tril(np.exp(scores))
    return (weights / weights.sum(-1, keepdims=True)).astype(np.float32)


def number(value, what):
    assert value is not None and value is not ..., f"{what} is not written yet."
    found = np.asarray(value, dtype=np.float64)
    assert found.size == 1, f"{what}: expected one number, got {found.shape}."
    return float(found.reshape(()))


def same(value, expected, hint):
    assert np.allclose(
        value, expected, atol=1e-5
    ), f"expected {expected:.4f} but received {value:.4f}; {hint}"


@exercise
def previous_weight(answer):
    """this is the number behind the name "previous"."""
    for T in (5, 12):
        rows = causal_rows(T, seed=T)
        expected = np.diagonal(rows, -1).mean()
        value = number(answer(mx.array(rows)), "previous_weight")
        whole = np.diagonal(rows, -1).sum() / T
        assert (
            abs(value - whole) > 1e-6
        ), "the first query has no token before it: divide by T - 1."
        same(value, expected, "take rows[q, q - 1] for q = 1, 2, ...")


@exercise
def hide_sink(answer):
    """what the heads do apart from waiting at the first token."""
    rows = np.stack([causal_rows(7, seed) for seed in (1, 2)])  # [2, 7, 7]
    found = np.asarray(answer(mx.array(rows)))
    shape = found.shape
    assert shape == rows.shape, f"expected the shape [2, 7, 7], got {shape}."
    assert not np.isnan(found).any(), (
        "a row has NaN: the first query sees nothing but the sink, "
        "so its row cannot be divided by its sum."
    )
    assert (
        np.abs(found[:, 1:, 0]).max() < 1e-6
    ), "queries 1, 2, ... still look at key 0."
    sums = found[:, 1:].sum(-1)
    assert np.allclose(
        sums, 1, atol=1e-5
    ), f"the rows must sum to 1 again; the second one has {sums[0, 0]:.3f}."
    expected = rows[:, 1:, 1:] / rows[:, 1:, 1:].sum(-1, keepdims=True)
    assert np.allclose(
        found[:, 1:, 1:], expected, atol=1e-5
    ), "the other weights must keep their proportions."
    assert np.allclose(found[:, 0], rows[:, 0]), "leave the first row as it is."


@exercise
def induction_score(answer):
    """this is the library's score, which found the heads."""
    tokens = TOKENS
    rows = causal_rows(len(tokens), seed=3)
    after = {
        q: [k + 1 for k in range(q) if tokens[k] == tokens[q]]
        for q in range(len(tokens))
    }
    sums = [rows[q, keys].sum() for q, keys in after.items() if keys]
    value = number(answer(mx.array(rows), tokens), "induction_score")
    assert (
        abs(value - sum(sums) / len(tokens)) > 1e-6
    ), "divide by the number of queries that have an earlier copy."
    same(value, np.mean(sums), "keys k + 1 with tokens[k] == tokens[q], k < q.")
    alone = number(answer(mx.array(rows[:3, :3]), [7, 8, 9]), "induction_score")
    same(alone, 0.0, "a text without copies has the score 0.")
    model, reading = small_reading(tokens)
    for score in llm.inspect.head_scores(reading, 1):
        head = llm.inspect.attention_rows(reading, 1, head=score.head)[0]
        same(answer(head, tokens), score.induction, "this is a real head.")


@exercise
def first_layer(answer):
    """from that layer on the model only grows surer."""
    cases = [
        ([9, 4, 4, 7, 7, 7], 3),
        ([5, 5, 5], 0),
        ([7, 2, 7, 3, 7], 4),
    ]
    for tops, expected in cases:
        value = number(answer(tops), "first_layer")
        assert value == expected, (
            f"of {tops} expected {expected} but received {value:g}: the "
            "answer is the last one; it must not change any more."
        )


@exercise
def steering_vector(answer):
    """the library adds the same vector."""
    text = "she was glad. he was sad. "
    tokenizer = llm.CharTokenizer.train(text)
    model = small_model(len(tokenizer))
    usable = types.SimpleNamespace(model=model, tokenizer=tokenizer)
    before = llm.inspect.read(model, tokenizer.encode(text))
    for layer in (0, 1):
        given = answer(usable, layer, "glad", "sad")
        assert given is not None and given is not ..., "it is not written yet."
        values = np.asarray(given, dtype=np.float32)
        assert values.shape == (
            32,
        ), f"expected [32], the width, but received {list(values.shape)}."
        ours = change(model, before, layer, values=values.tolist())
        theirs = change(
            model, before, layer,
            plus="glad", minus="sad", encode=tokenizer.encode,
        )  # fmt: skip
        assert np.isclose(ours, theirs, rtol=1e-3), (
            f"KL {ours:.4f} but {theirs:.4f} with the library's vector; "
            "`residuals` counts from the embeddings: after layer l is l + 1."
        )


def change(model, before, layer, encode=None, **vector):
    add = llm.inspect.AddVector(layer, scale=4, **vector)
    return llm.inspect.what_if(model, before, [add], encode=encode).kl


def small_reading(tokens):
    model = small_model(8)
    return model, llm.inspect.read(model, tokens)


def small_model(vocabulary):
    shape = llm.ModelShape(layers=2, heads=2, width=32)
    model = llm.make_model(llm.model_config(shape, vocabulary, 64))
    model.initialize(1)
    return model
