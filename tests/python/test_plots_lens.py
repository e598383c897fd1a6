# SPDX-License-Identifier: MIT
"""The logit lens: numbers, tokens and rings read back from the figure."""

import numpy as np
import pytest
from plot_figures import TOKENS, assert_readable, plots, rings, words

TOP = [
    ["a", " b", "\n", " d"],
    [" fox", " b", " the", " d"],
    [" fox", " saw", " the", " moon"],
]


def test_lens():
    p = np.linspace(0.01, 0.99, 12).reshape(3, 4)
    figure = plots.logit_lens(TOP, p, TOKENS[:4])
    ax = figure.axes[0]
    np.testing.assert_array_equal(ax.images[0].get_array(), p)
    cells = {tuple(t.get_position()): t.get_text() for t in ax.texts}
    assert cells[(0, 0)] == "a" and cells[(2, 0)] == "↵"
    assert cells[(3, 2)] == "·moon" and len(cells) == 12
    assert ax.get_ylim()[0] < ax.get_ylim()[1]  # layers go up
    names = [t.get_text() for t in ax.get_yticklabels()]
    assert names == ["embeddings", "1", "output"]
    assert [t.get_text() for t in ax.get_xticklabels()] == [
        "The",
        "·fox",
        "·saw",
        "·the",
    ]
    # What really came next, where a layer says so: The [fox], fox [saw] ...
    assert rings(ax) == {(0, 1), (0, 2), (1, 2), (2, 1), (2, 2)}
    assert "probability of the token (share of 1)" in words(figure)


def test_lens_by_kl():
    kl = np.array([[60.0, 9.0], [0.0, 0.5]])
    figure = plots.logit_lens([["a", "b"]] * 2, kl, ["x", "y"], measure="kl")
    image = figure.axes[0].images[0]
    np.testing.assert_array_equal(image.get_array(), kl)
    scale = image.get_cmap()
    assert image.to_rgba(60) == scale(1.0)
    share = np.log1p(9) / np.log1p(50)  # as the page's lens.js
    assert image.to_rgba(9) == pytest.approx(scale(share), abs=0.02)
    assert "KL to the model's output (nats)" in words(figure)


def test_lens_of_many_positions_is_set_in_rows():
    T, L = 32, 7
    p = np.random.default_rng(0).uniform(0, 1, (L, T))
    top = [[f" t{t}l{layer}" for t in range(T)] for layer in range(L)]
    figure = plots.logit_lens(top, p, [f"w{t}" for t in range(T)])
    panels = [ax for ax in figure.axes if ax.texts]
    assert len(panels) == 3
    shown = np.concatenate([ax.images[0].get_array() for ax in panels], axis=1)
    np.testing.assert_array_equal(shown, p)
    assert [t.get_text() for ax in panels for t in ax.get_xticklabels()] == [
        f"w{t}" for t in range(T)
    ]
    assert_readable(figure)


@pytest.mark.parametrize(
    "top, values, tokens, options, message",
    [
        (TOP, np.ones(4), "abcd", {}, "values [L, T] but received [4]."),
        (TOP, np.ones((3, 4)), "abc", {}, "4 tokens but received 3."),
        (
            TOP[:2],
            np.ones((3, 4)),
            "abcd",
            {},
            "top tokens [3, 4] but received 2 layers of 4.",
        ),
        (3, np.ones((3, 4)), "abcd", {}, "top tokens [3, 4] but received int."),
        (
            TOP,
            2 * np.ones((3, 4)),
            "abcd",
            {},
            "values from 0 to 1 but received 2 at [0, 0].",
        ),
        (
            TOP,
            np.ones((3, 4)),
            "abcd",
            {"measure": "rank"},
            "measure 'probability' or 'kl' but received 'rank'.",
        ),
    ],
)
def test_lens_refuses(top, values, tokens, options, message):
    with pytest.raises(ValueError) as error:
        plots.logit_lens(top, values, tokens, **options)
    assert str(error.value) == "[logit_lens] expected " + message
