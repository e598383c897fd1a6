# SPDX-License-Identifier: MIT
"""Tokens made visible, the token strip and the probability bars."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PatchCollection
from plot_figures import (
    TOKENS,
    assert_readable,
    chain,
    plots,
    words,
)

columns, fitted, label = plots.text.columns, plots.text.fitted, plots.text.label

# --- text --------------------------------------------------------------------


@pytest.mark.parametrize(
    "token, shown",
    [
        (" the", "·the"),
        ("\n\n", "↵↵"),
        ("a\tb", "a⇥b"),
        ("\r\n", "<0x0D>↵"),
        ("", "∅"),
        ("\x07", "<0x07>"),
        ("\x7f", "<0x7F>"),
        ("caf\u00e9", "caf\u00e9"),
        ("e\u0301", "e\u0301"),
        ("\u00a0", "<U+00A0>"),
        ("\u200b", "<U+200B>"),
        ("\u2028", "<U+2028>"),
        ("\ud83d", "<U+D83D>"),
        ("\ufffd", "\ufffd"),
        (b"moon", "moon"),
        ("é".encode(), "é"),
        (b"\xe2\x82", "<0xE2><0x82>"),
        (b" \xff\n", "·<0xFF>↵"),
        ("\U0010fffd", "<U+10FFFD>"),
    ],
)
def test_visible(token, shown):
    assert plots.visible(token) == shown


def test_every_character_has_a_picture_or_its_number():
    for code in [*range(0x3000), 0x4E2D, 0xAC00, 0x1F600, 0xE000, 0xFFFF]:
        shown = plots.visible(chr(code))
        assert shown.isprintable() and not shown.isspace(), hex(code)


def test_width_in_columns():
    assert (
        columns("abc") == 3 and columns("日本") == 4 and columns("e\u0301") == 1
    )
    assert fitted("abcdef", 6) == "abcdef" and fitted("abcdefg", 6) == "abcde…"
    assert fitted("日本語日本", 6) == "日本…"
    assert label(" understanding", 8) == "·unders…"


# --- the strip ---------------------------------------------------------------


def strip(figure):
    """[(left, top, right, text)] of the tokens, and their surprise in bits."""
    ax = figure.axes[0]
    (boxes,) = [x for x in ax.collections if isinstance(x, PatchCollection)]
    places = []
    for path, text in zip(boxes.get_paths(), ax.texts):
        box = path.get_extents()
        places.append((box.x0, box.y0, box.x1, text.get_text()))
    return places, boxes.get_array()


def underlined(figure):
    (lines,) = [
        x for x in figure.axes[0].collections if isinstance(x, LineCollection)
    ]
    return [tuple(segment[0]) for segment in lines.get_segments()]


def test_strip():
    p = np.array([np.nan, 0.5, 0.25, 0.04, 1.0, 0.06, 1 / 1024, 0.9])
    figure = plots.token_strip(TOKENS, np.log(p))
    places, bits = strip(figure)
    assert [text for *_, text in places] == [
        "The", "·fox", "·saw", "·the", "·moon", ".", "↵", "·It",
    ]  # fmt: skip
    assert np.ma.getmaskarray(bits).tolist() == [True] + [False] * 7
    np.testing.assert_allclose(bits[1:], -np.log2(p[1:]), atol=1e-6)
    # One after the other; the line breaks after its mark.
    tops = [round(top) for _, top, _, _ in places]
    assert tops == [0] * 7 + [1]
    for (_, _, right, _), (left, _, _, _) in zip(places[:6], places[1:7]):
        assert 0 < left - right < 0.3
    assert len(underlined(figure)) == 2  # 4 % and 1/1024
    mean = -np.log(p[1:]).mean()
    assert any(f"mean surprise {mean:.3f} nats" in w for w in words(figure))
    assert "surprise, −log₂ p (bits)" in words(figure)


def test_strip_colours():
    figure = plots.token_strip("ab", np.log([1.0, 2.0**-13]))
    ax = figure.axes[0]
    (boxes,) = [x for x in ax.collections if isinstance(x, PatchCollection)]
    assert boxes.get_clim() == (0, 12)
    boxes.update_scalarmappable()
    first, last = boxes.get_facecolor()
    assert first[:3] == pytest.approx((1, 1, 1), abs=0.01)
    assert last[:3] == pytest.approx(
        (0xF0 / 255, 0x98 / 255, 0x4A / 255), abs=0.01
    )


def test_what_was_impossible_is_darkest():
    figure = plots.token_strip("ab", [-1.0, -np.inf])
    _, bits = strip(figure)
    assert bits[1] > 1000 and not np.ma.getmaskarray(bits).any()
    assert any("mean surprise inf" in w for w in words(figure))


def test_strip_wraps_and_cuts_up():
    tokens = ["word "] * 40 + ["x" * 200] + ["\n\n"] + ["end"]
    figure = plots.token_strip(tokens, np.full(43, -1.0))
    places, bits = strip(figure)
    room = figure.axes[0].get_xlim()[1]
    assert all(right <= room for _, _, right, _ in places)
    assert "".join(text for *_, text in places) == (
        "word·" * 40 + "x" * 200 + "↵↵" + "end"
    )
    assert len(bits) == len(places) > 43
    rows = [round(top) for _, top, _, _ in places]
    assert rows == sorted(rows) and rows[-1] == rows[-2] + 2
    assert figure.axes[0].get_ylim()[0] == rows[-1] + 1
    assert_readable(figure)


def test_strip_of_odd_tokens():
    tokens = ["$a$", "日本", b"\xf0\x9f", "", "\t", "\ud800", "_"]
    figure = plots.token_strip(tokens, [-0.1] * 7)
    assert [text for *_, text in strip(figure)[0]][:1] == ["$a$"]
    assert_readable(figure)


@pytest.mark.parametrize(
    "tokens, logprobs, message",
    [
        ("abc", [-1, -2], "expected 2 tokens but received 3."),
        ("a", [[-1]], "expected logprobs [n] but received [1, 1]."),
        ("", [], "expected logprobs [n] but received [0]."),
        (
            "ab",
            [-1, 0.5],
            "expected logprobs of at most 0 (nats) but received 0.5 at 1; "
            "pass log p, not p.",
        ),
        ("a", ["x"], "expected numbers as logprobs but received text."),
        (None, [-1], "expected 1 tokens but received NoneType."),
    ],
)
def test_strip_refuses(tokens, logprobs, message):
    with pytest.raises(ValueError) as error:
        plots.token_strip(tokens, logprobs)
    assert str(error.value) == "[token_strip] " + message


# --- bars --------------------------------------------------------------------


def bars(ax):
    return [bar.get_width() for bar in ax.containers[0]]


def names(ax):
    return [t.get_text() for t in ax.get_yticklabels()]


def test_bars():
    p = [0.05, 0.5, 0.0004, 0.3, 0.1, 0.0496]
    figure = plots.probability_bars(p, "abcdef", top=4)
    (ax,) = figure.axes
    assert bars(ax) == pytest.approx([0.5, 0.3, 0.1, 0.05])
    assert names(ax) == ["b", "d", "e", "a"]
    assert [t.get_text() for t in ax.texts] == [
        "50.0 %",
        "30.0 %",
        "10.0 %",
        "5.0 %",
    ]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the likeliest is on top
    assert "probability of the next token (%)" in words(figure)


def test_bars_of_equal_tokens_and_the_one_taken():
    p = np.full(10, 0.1)
    figure = plots.probability_bars(p, "abcdefghij", top=3, taken=7)
    assert names(figure.axes[0]) == ["a", "b", "c", "▶ h"]
    assert "probability of the next token (%); ▶ taken" in words(figure)


def test_small_probabilities():
    p = [0.99, 0.0034, 0.00001, 0.0]
    figure = plots.probability_bars(p, "abcd")
    found = [t.get_text() for t in figure.axes[0].texts]
    assert found == ["99.0 %", "0.34 %", "< 0.01 %", "0 %"]


def test_names_by_a_function_or_a_dict():
    by = lambda i: f" t{i}"  # noqa: E731
    for tokens in (by, {0: " t0", 1: " t1"}, [" t0", " t1"]):
        figure = plots.probability_bars([0.25, 0.75], tokens)
        assert names(figure.axes[0]) == ["·t1", "·t0"]


def test_stages():
    p, stages = chain()
    figure = plots.probability_bars(p, TOKENS, stages=stages, taken=1)
    assert len(figure.axes) == 4
    for ax, q in zip(figure.axes, [p, *stages.values()]):
        assert bars(ax) == pytest.approx(q)  # p falls already
    heads = [[t.get_text() for t in ax.texts[8:]] for ax in figure.axes]
    assert heads == [
        ["model", "8 left · 100 %"],
        ["top-k", "6 left · 96.0 %"],
        ["top-p", "3 left · 75.0 %"],
        ["temperature", "3 left · 75.0 %"],
    ]
    cuts = [
        [t.get_text() for t in ax.texts if "cut" in t.get_text()]
        for ax in figure.axes
    ]
    assert cuts == [[], ["cut here", "cut"], ["cut here", "cut", "cut"], []]
    shown = [t.get_text() for t in figure.axes[3].texts][:8]
    assert shown[3:] == [""] * 5  # cut before: nothing more to say


def test_stages_as_pairs_and_what_the_last_one_prefers():
    p = np.array([0.5, 0.2, 0.15, 0.1, 0.05])
    typical = np.array([0, 0, 0.6, 0.4, 0])
    figure = plots.probability_bars(
        p, "abcde", stages=[("typical-p", typical)], top=1
    )
    assert names(figure.axes[0]) == ["a", "c", "d"]
    assert bars(figure.axes[1]) == pytest.approx([0, 0.6, 0.4])


def test_many_stages_fit():
    p, stages = chain()
    more = {f"repetition {n}": p for n in range(4)} | stages
    assert_readable(plots.probability_bars(p, TOKENS, stages=more, taken=0))


@pytest.mark.parametrize(
    "p, options, message",
    [
        ([[1.0]], {}, "expected probabilities [V] but received [1, 1]."),
        (
            [0.9, 0.9],
            {},
            "expected probabilities that sum to 1 but received a sum of 1.8.",
        ),
        (
            [1.5, -0.5],
            {},
            "expected probabilities from 0 to 1 but received 1.5 at [0].",
        ),
        ([0.5, 0.5], {"tokens": "abc"}, "expected 2 tokens but received 3."),
        (
            [0.5, 0.5],
            {"stages": {"top-k": [1.0]}},
            "expected stage 'top-k' [2] but received [1].",
        ),
        (
            [0.5, 0.5],
            {"stages": [3]},
            "expected stages as {name: [V]} but received int.",
        ),
        (
            [0.5, 0.5],
            {"taken": 2},
            "expected taken from 0 to 1 but received 2.",
        ),
        ([0.5, 0.5], {"top": 0}, "expected top of at least 1 but received 0."),
    ],
)
def test_bars_refuse(p, options, message):
    with pytest.raises(ValueError) as error:
        plots.probability_bars(p, **{"tokens": "ab", **options})
    assert str(error.value) == "[probability_bars] " + message
