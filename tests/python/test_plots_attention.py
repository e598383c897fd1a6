# SPDX-License-Identifier: MIT
"""Attention and ablation: the numbers read back from the figures are those
that were given."""

import mlx.core as mx
import numpy as np
import pytest
from plot_figures import TOKENS, assert_readable, attention, plots, rings, words

pooled = plots.attention.pooled


def tiles(figure):
    """[(left, top, array)] of the pictures, in the order of drawing."""
    found = []
    for image in figure.axes[0].images:
        left, _, _, top = image.get_extent()
        found.append((left, top, image.get_array()))
    return found


def upper(T):
    return np.triu(np.ones((T, T), bool), 1)


def assert_weights(image, weights):
    """The weights, and nothing where the causal mask is."""
    np.testing.assert_array_equal(
        np.ma.getmaskarray(image), upper(len(weights))
    )
    np.testing.assert_array_equal(np.ma.filled(image, 0), weights)


# --- all heads ---------------------------------------------------------------


def test_grid_of_layers():
    weights = attention(2, 3, 8, 8)
    figure = plots.attention_grid(weights)
    found = tiles(figure)
    assert len(found) == 6
    for n, (left, top, image) in enumerate(found):
        layer, head = divmod(n, 3)
        assert_weights(image, weights[layer, head])
        # Layers go down, heads across, none covers another.
        assert (round(left), round(top)) == (head, layer)
    ax = figure.axes[0]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["0", "1", "2"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["0", "1"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("head", "layer")
    assert "attention weight (share of 1)" in words(figure)


def test_grid_of_one_layer():
    weights = attention(8, 5, 5)
    figure = plots.attention_grid(weights)
    found = tiles(figure)
    assert len(found) == 8
    for (_, _, image), head in zip(found, weights):
        assert_weights(image, head)
    assert [top for _, top, _ in found].count(0) == 6  # then a new row
    assert {f"head {n}" for n in range(8)} <= set(words(figure))


def test_colours_of_the_grid_are_those_of_the_bar():
    figure = plots.attention_grid(attention(2, 2, 4, 4))
    image = figure.axes[0].images[0]
    assert image.get_clim() == (0, 1)
    # The square root, as the page codes it; empty is white.
    scale = image.get_cmap()
    assert image.to_rgba(0.25) == pytest.approx(scale(127), abs=0.02)
    shown = image.to_rgba(image.get_array())
    np.testing.assert_array_equal(shown[upper(4)], 1.0)


def test_scores_stand_in_their_tiles():
    scores = np.array([[0.931, 0.2, 3.456], [0, 1, 0.75]])
    figure = plots.attention_grid(attention(2, 3, 8, 8), scores=scores)
    texts = {t.get_text(): t.get_position() for t in figure.axes[0].texts}
    assert set(texts) == {"0.93", "0.20", "3.46", "0.00", "1.00", "0.75"}
    x, y = texts["3.46"]
    assert 2 < x - 2 * 0.08 < 3 and 0 < y < 0.5
    named = plots.attention_grid(
        attention(2, 8, 8), scores=["sink", "induction"]
    )
    assert {"sink", "induction"} <= set(words(named))


def test_thin_lines_stay_in_small_pictures():
    T = 100
    weights = np.zeros((T, T))
    weights[0, 0] = 1
    weights[np.arange(1, T), np.arange(T - 1)] = 1  # the previous token
    weights[90, 80] = 0.5
    weights[90, 89] = 0.5
    small = pooled(np.ma.array(weights, mask=upper(T)), 32)
    edges = [i * T // 32 for i in range(33)]
    for i in range(32):
        for j in range(32):
            rows = slice(edges[i], edges[i + 1])
            block = weights[rows, edges[j] : edges[j + 1]]
            seen = ~upper(T)[rows, edges[j] : edges[j + 1]]
            if seen.any():
                assert small[i, j] == block[seen].max()
            else:
                assert small.mask[i, j]
    assert small.max(axis=1).min() >= 0.5


def test_grid_of_smollm2():
    """270 heads: one page, and everything can be read."""
    weights = attention(30, 9, 40, 40)
    scores = np.linspace(0, 1, 270).reshape(30, 9)
    figure = plots.attention_grid(weights, scores=scores, title="SmolLM2-135M")
    assert len(figure.axes[0].images) == 270
    assert figure.get_size_inches()[1] < 10.5
    assert_readable(figure)


def test_grid_without_a_mask():
    weights = np.full((2, 3, 3), 1 / 3)
    figure = plots.attention_grid(weights, causal=False, scores=[1, 2])
    for _, _, image in tiles(figure):
        assert not np.ma.getmaskarray(image).any()
        np.testing.assert_array_equal(image, weights[0])


@pytest.mark.parametrize(
    "weights, options, message",
    [
        (
            np.ones((3, 4)),
            {},
            "[attention_grid] expected weights [H, T, T] or [L, H, T, T] but "
            "received [3, 4].",
        ),
        (
            np.ones((2, 3, 4)),
            {},
            "[attention_grid] expected weights [H, T, T] or [L, H, T, T] but "
            "received [2, 3, 4].",
        ),
        (
            np.ones((0, 4, 4)),
            {},
            "[attention_grid] expected weights [H, T, T] or [L, H, T, T] but "
            "received [0, 4, 4].",
        ),
        (
            3 * np.eye(4)[None],
            {},
            "[attention_grid] expected weights from 0 to 1 but received 3 at "
            "[0, 0, 0].",
        ),
        (
            np.full((1, 2, 2), 0.5),
            {},
            "[attention_grid] expected no weight above the diagonal but "
            "received 0.5 at query 0, key 1; pass causal=False if queries may "
            "look ahead.",
        ),
        (
            attention(2, 4, 4),
            {"scores": [1, 2, 3]},
            "[attention_grid] expected scores [2] but received [3].",
        ),
        (
            attention(2, 4, 4) * np.nan,
            {},
            "[attention_grid] expected weights from 0 to 1 but received nan "
            "at [0, 0, 0].",
        ),
        (
            [[[1], [1, 2]]],
            {},
            "[attention_grid] expected numbers as weights but received lists "
            "of different lengths.",
        ),
        (
            "abc",
            {},
            "[attention_grid] expected numbers as weights but received text.",
        ),
        (
            None,
            {},
            "[attention_grid] expected numbers as weights but received "
            "NoneType.",
        ),
    ],
)
def test_grid_refuses(weights, options, message):
    with pytest.raises(ValueError) as error:
        plots.attention_grid(weights, **options)
    assert str(error.value) == message


# --- one head ----------------------------------------------------------------


@pytest.mark.parametrize("kind", ["numpy", "mlx", "bfloat16", "list"])
def test_head(kind):
    weights = attention(8, 8)
    given = {
        "numpy": weights,
        "mlx": mx.array(weights),
        "bfloat16": mx.array(weights).astype(mx.bfloat16),
        "list": weights.tolist(),
    }[kind]
    figure = plots.head(given, TOKENS)
    ax = figure.axes[0]
    if kind == "bfloat16":
        weights = np.array(given.astype(mx.float32))
    assert_weights(ax.images[0].get_array(), weights)
    shown = ["The", "·fox", "·saw", "·the", "·moon", ".", "↵", "·It"]
    for labels in (ax.get_xticklabels(), ax.get_yticklabels()):
        assert [t.get_text() for t in labels] == shown
    assert "key" in ax.get_xlabel() and "query" in ax.get_ylabel()
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # queries go down
    assert "attention weight (share of 1)" in words(figure)


def test_head_of_many_tokens_shows_positions():
    figure = plots.head(attention(60, 60), ["a"] * 60)
    ax = figure.axes[0]
    assert ax.get_xlabel() == "key: position looked at (tokens)"
    assert "a" not in words(figure) and "20" in words(figure)


def test_head_with_dangerous_tokens():
    tokens = ["$x$", "$", "\\frac{", "\x00", "日", "\ud800", b"\xff", "_" * 40]
    figure = plots.head(attention(8, 8), tokens)
    shown = [t.get_text() for t in figure.axes[0].get_xticklabels()]
    assert shown[:4] == ["$x$", "$", "\\frac{", "<0x00>"]
    assert shown[5:] == ["<U+D800>", "<0xFF>", "_" * 11 + "…"]
    assert_readable(figure)


@pytest.mark.parametrize(
    "weights, tokens, message",
    [
        (np.ones((2, 3)), "ab", "expected weights [T, T] but received [2, 3]."),
        (np.eye(3), "ab", "expected 3 tokens but received 2."),
        (np.eye(3), 5, "expected 3 tokens but received int."),
    ],
)
def test_head_refuses(weights, tokens, message):
    with pytest.raises(ValueError) as error:
        plots.head(weights, tokens)
    assert str(error.value) == "[head] " + message


# --- ablation ----------------------------------------------------------------


def test_ablation():
    kl = np.array([[0.0, 0.51, 0.013], [0.2, 0.004, 1.25]])
    figure = plots.head_ablation(kl, marked=2)
    ax = figure.axes[0]
    np.testing.assert_array_equal(ax.images[0].get_array(), kl)
    assert ax.images[0].get_clim() == (0, 1.25)
    assert rings(ax) == {(1, 0), (2, 1)}
    texts = {t.get_position(): t.get_text() for t in ax.texts}
    assert texts[(2, 1)] == "1.25" and texts[(2, 0)] == "0.013"
    assert "KL without the head (nats per token)" in words(figure)
    assert_readable(figure)


def test_ablation_of_smollm2_and_of_nothing():
    figure = plots.head_ablation(np.linspace(0, 1, 270).reshape(30, 9))
    assert figure.get_size_inches()[1] < 10
    assert_readable(figure)
    nothing = plots.head_ablation(np.zeros((2, 2)), marked=0)
    assert not rings(nothing.axes[0])
    assert_readable(nothing)


@pytest.mark.parametrize(
    "kl, message",
    [
        ([1, 2], "expected kl [L, H] but received [2]."),
        ([[1, -2]], "expected kl of at least 0 but received -2 at [0, 1]."),
        ([[np.inf]], "expected kl of at least 0 but received inf at [0, 0]."),
    ],
)
def test_ablation_refuses(kl, message):
    with pytest.raises(ValueError) as error:
        plots.head_ablation(kl)
    assert str(error.value) == "[head_ablation] " + message
