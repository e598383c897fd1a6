# SPDX-License-Identifier: MIT
"""The table of models and perplexity by category."""

import mlx.core as mx
import numpy as np
import pytest
from plot_figures import assert_readable, plots, words

# --- the table ---------------------------------------------------------------

ROWS = {
    "GPT": {"loss (nats)": 0.7121, "tokens/s": 10234, "licence": "MIT"},
    "LoRA": {"loss (nats)": 0.655, "tokens/s": 120, "licence": None},
    "full": {"loss (nats)": 0.655, "tokens/s": 95},
}


def cells(figure):
    """Rows of texts, from left to right."""
    rows = {}
    for text in figure.axes[0].texts:
        x, y = text.get_position()
        rows.setdefault(round(y, 3), []).append((x, text))
    return [
        [text for _, text in sorted(rows[y], key=lambda cell: cell[0])]
        for y in sorted(rows)
    ]


def test_table():
    best = {"loss (nats)": "min", "tokens/s": "max"}
    figure = plots.comparison_table(ROWS, best=best, title="Three models")
    text = [[cell.get_text() for cell in row] for row in cells(figure)]
    assert text == [
        ["loss (nats)", "tokens/s", "licence"],
        ["GPT", "0.712", "★ 10,234", "MIT"],
        ["LoRA", "★ 0.655", "120", "–"],
        ["full", "★ 0.655", "95", "–"],
    ]
    bold = [
        [cell.get_fontweight() == "bold" for cell in row]
        for row in cells(figure)[1:]
    ]
    assert bold == [
        [False, False, True, False],
        [False, True, False, False],
        [False, True, False, False],
    ]
    assert_readable(figure)


def test_numbers_of_a_column_align():
    rows = {"a": {"x": 1, "y": 0.00123}, "b": {"x": 2.5, "y": mx.array(1e-5)}}
    rows["c"] = {"x": np.float32(101.25), "y": float("nan")}
    figure = plots.comparison_table(rows, best={"y": "min"})
    text = [[cell.get_text() for cell in row] for row in cells(figure)][1:]
    assert [row[1] for row in text] == ["1.0", "2.5", "101.2"]
    assert [row[2] for row in text] == ["0.00123", "★ 1e-05", "nan"]


@pytest.mark.parametrize(
    "rows, best, message",
    [
        ({}, {}, "expected a dict of rows but received an empty one."),
        ({"a": 3}, {}, "expected a dict of columns but received int."),
        (
            ROWS,
            {"speed": "max"},
            "expected a column in best of 'loss (nats)' or 'tokens/s' or "
            "'licence' but received 'speed'.",
        ),
        (
            ROWS,
            {"tokens/s": "most"},
            "expected best of 'tokens/s' as 'min' or 'max' but received "
            "'most'.",
        ),
        (
            ROWS,
            {"licence": "max"},
            "expected numbers in column 'licence' but received 'MIT'.",
        ),
    ],
)
def test_table_refuses(rows, best, message):
    with pytest.raises(ValueError) as error:
        plots.comparison_table(rows, best=best)
    assert str(error.value) == "[comparison_table] " + message


# --- perplexity --------------------------------------------------------------


def bars(ax):
    """{model: {category: width}}"""
    kinds = [t.get_text() for t in ax.get_yticklabels()]
    found = {}
    for container in ax.containers:
        found[container.get_label()] = {
            kinds[round(bar.get_y() + bar.get_height() / 2)]: bar.get_width()
            for bar in container
        }
    return found


def test_perplexity_of_one_model():
    figure = plots.perplexity_by_category({"code": 140.5, "stories": 12})
    (found,) = bars(figure.axes[0]).values()
    assert found == {"code": 140.5, "stories": 12.0}
    said = words(figure)
    assert {"140.5", "12.00", "perplexity (tokens; less is better)"} <= set(
        said
    )
    assert figure.axes[0].get_ylim()[0] > figure.axes[0].get_ylim()[1]


def test_perplexity_of_two_models():
    given = {
        "before": {"code": 140.5, "stories": 12.0},
        "after": {"stories": 9.5, "letters": 3.25},
    }
    figure = plots.perplexity_by_category(given)
    found = bars(figure.axes[0])
    assert found["before"]["code"] == 140.5
    assert found["after"]["stories"] == 9.5
    assert np.isnan(found["after"]["code"])
    assert {"before", "after", "3.25"} <= set(words(figure))
    # Not by colour alone.
    looks = [box[0].get_hatch() for box in figure.axes[0].containers]
    assert len(set(looks)) == 2
    places = [bar.get_y() for box in figure.axes[0].containers for bar in box]
    assert len(set(np.round(places, 3))) == 6


@pytest.mark.parametrize(
    "given, message",
    [
        ({}, "expected a dict of perplexities but received an empty one."),
        (3, "expected a dict of perplexities but received int."),
        (
            {"code": 0.5},
            "expected perplexity of code of at least 1 but received 0.5 at "
            "[0].",
        ),
        (
            {"a": {"code": 2}, "b": 3},
            "expected numbers as perplexity of a but received dict.",
        ),
        (
            {"code": "high"},
            "expected numbers as perplexity of code but received text.",
        ),
    ],
)
def test_perplexity_refuses(given, message):
    with pytest.raises(ValueError) as error:
        plots.perplexity_by_category(given)
    assert str(error.value) == "[perplexity_by_category] " + message
