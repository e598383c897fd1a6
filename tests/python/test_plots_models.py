# SPDX-License-Identifier: MIT
"""Histograms of parameters, and embeddings in the plane."""

import mlx.core as mx
import numpy as np
import pytest
from matplotlib.patches import StepPatch
from plot_figures import assert_readable, parameters, plots, words

principal_components = plots.embeddings.principal_components

# --- histograms --------------------------------------------------------------


def panels(figure):
    """{name: {label of the line: (heights, edges)}}"""
    found = {}
    for ax in figure.axes:
        steps = [p for p in ax.patches if isinstance(p, StepPatch)]
        if steps:
            data = {s.get_label(): s.get_data()[:2] for s in steps}
            found[ax.texts[0].get_text()] = data
    return found


def test_histogram():
    given = parameters()
    figure = plots.parameter_histogram(given, bins=20)
    found = panels(figure)
    assert list(found) == [
        "embed.weight",
        "layers.*.attn.wq.weight",
        "layers.*.attn.wo.weight",
        "layers.*.mlp.up.weight",
        "layers.*.norm.weight",
    ]
    up = found["layers.*.mlp.up.weight"]
    assert list(up) == [f"layer {n}" for n in range(4)]
    every = [given[f"layers.{n}.mlp.up.weight"] for n in range(4)]
    span = np.min(every), np.max(every)
    for n in range(4):
        density, edges = np.histogram(every[n], 20, span, density=True)
        np.testing.assert_allclose(up[f"layer {n}"][0], density)
        np.testing.assert_allclose(up[f"layer {n}"][1], edges)
        assert np.sum(density * np.diff(edges)) == pytest.approx(1)
    embed = given["embed.weight"]
    said = words(figure)
    assert f"std {embed.std():.3g}, n = 400" in said
    assert "std 0, n = 32" in said  # the norm's gains
    assert "across: value of a parameter; up: density" in said
    assert "layer" in said


def test_histogram_of_mlx_arrays():
    values = mx.array([0.5, -0.5, 0.25]).astype(mx.bfloat16)
    figure = plots.parameter_histogram({"w": values, "b": [1, 2]}, bins=4)
    found = panels(figure)
    heights, edges = found["w"]["_"]
    assert np.sum(heights * np.diff(edges)) == pytest.approx(1)
    assert (edges[0], edges[-1]) == (-0.5, 0.5)


def test_what_is_not_finite_is_told():
    values = np.array([np.nan, np.inf, 1.0, 2.0])
    figure = plots.parameter_histogram({"w": values, "v": [np.nan]})
    said = words(figure)
    assert "std 0.5, 2 not finite" in said and "empty, 1 not finite" in said


def test_histogram_of_a_deep_model():
    draw = np.random.default_rng(0).normal
    names = [f"self_attn.{x}_proj" for x in "qkvo"]
    names += [f"mlp.{x}_proj" for x in ("gate", "up", "down")]
    given = {
        f"model.layers.{n}.{name}.weight": draw(0, 0.1, 50)
        for n in range(30)
        for name in names
    }
    figure = plots.parameter_histogram(given)
    assert [len(x) for x in panels(figure).values()] == [30] * 7
    assert figure.get_size_inches()[1] < 6
    assert_readable(figure)


@pytest.mark.parametrize(
    "given, options, message",
    [
        ({}, {}, "expected a dict of arrays but received an empty one."),
        ([1], {}, "expected a dict of arrays but received list."),
        ({"w": "x"}, {}, "expected numbers as w but received text."),
        ({"w": []}, {}, "expected numbers as w but received an empty array."),
        (
            {"w": mx.zeros(3, dtype=mx.uint32)},
            {},
            "expected floats as w but received mlx.core.uint32; leave out "
            "what is quantized, or dequantize it.",
        ),
        (
            {"w": [1]},
            {"bins": 0},
            "expected bins of at least 1 but received 0.",
        ),
    ],
)
def test_histogram_refuses(given, options, message):
    with pytest.raises(ValueError) as error:
        plots.parameter_histogram(given, **options)
    assert str(error.value) == "[parameter_histogram] " + message


# --- principal components ----------------------------------------------------


def reference(vectors):
    """The same by NumPy's covariance and eigenvectors: lengths only, since the
    sign of an axis is free."""
    x = vectors - vectors.mean(0)
    values, axes = np.linalg.eigh(np.cov(vectors.T, bias=True))
    order = np.argsort(-values)[:2]
    return np.abs(x @ axes[:, order]), values[order] / values.sum()


@pytest.mark.parametrize("n, C", [(40, 6), (5, 30), (6, 6)])
def test_components(n, C):
    vectors = np.random.default_rng(1).normal(0, 1, (n, C))
    vectors *= np.arange(1, C + 1)
    points, shares = principal_components(vectors)
    expected, ratios = reference(vectors)
    np.testing.assert_allclose(np.abs(points), expected, atol=1e-9)
    np.testing.assert_allclose(shares, ratios, atol=1e-9)
    far = np.abs(points).argmax(0)
    assert points[far[0], 0] > 0 and points[far[1], 1] > 0


def test_embeddings():
    vectors = np.random.default_rng(2).normal(0, 1, (12, 5))
    labels = list("abcdefghijk") + [" the"]
    groups = ["letter"] * 11 + ["word"]
    figure = plots.embeddings_pca(mx.array(vectors), labels, groups=groups)
    ax = figure.axes[0]
    points, shares = principal_components(vectors.astype(np.float32))
    letters, word = (s.get_offsets() for s in ax.collections)
    np.testing.assert_allclose(np.concatenate([letters, word]), points)
    placed = {t.get_text(): t.xy for t in ax.texts}
    np.testing.assert_allclose(placed["·the"], points[11])
    np.testing.assert_allclose(placed["a"], points[0])
    assert ax.get_xlabel() == (
        f"first principal component ({shares[0]:.1%} of the variance)"
    )
    assert {"letter", "word"} <= set(words(figure))


def test_crowded_labels_are_left_out():
    vectors = np.random.default_rng(3).normal(0, 1, (600, 4))
    figure = plots.embeddings_pca(vectors, [f" token{n}" for n in range(600)])
    assert 20 < len(figure.axes[0].texts) <= 150
    assert len(figure.axes[0].collections[0].get_offsets()) == 600
    assert_readable(figure)


@pytest.mark.parametrize(
    "vectors, options, message",
    [
        ([1, 2], {}, "vectors [n, C] but received [2]."),
        (
            [[1, 2]],
            {},
            "vectors [n, C] with n and C of at least 2 but received [1, 2].",
        ),
        (
            [[1], [2]],
            {},
            "vectors [n, C] with n and C of at least 2 but " "received [2, 1].",
        ),
        (np.eye(3), {"labels": "ab"}, "3 labels but received 2."),
        (np.eye(3), {"groups": ["a"]}, "3 groups but received 1."),
        (
            [[1, np.nan], [0, 0]],
            {},
            "finite vectors but received nan at [0, 1].",
        ),
    ],
)
def test_embeddings_refuse(vectors, options, message):
    with pytest.raises(ValueError) as error:
        plots.embeddings_pca(vectors, **options)
    assert str(error.value) == "[embeddings_pca] expected " + message


def test_embeddings_that_are_all_alike():
    figure = plots.embeddings_pca(np.ones((4, 3)), "abcd")
    assert "0.0%" in figure.axes[0].get_xlabel()
