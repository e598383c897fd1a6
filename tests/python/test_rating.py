# SPDX-License-Identifier: MIT
"""Blind rating: nothing tells who wrote what, the sides are fair, votes are
counted for the right writer, and the form works by its buttons (no browser).
"""

import pytest
from mlx_llm_tutorial.rating import BlindRating, form

PROMPTS = [f"prompt {i}" for i in range(20)]
ANSWERS = {
    "base": [f"plain {i}" for i in range(20)],
    "tuned": [f"fine {i}" for i in range(20)],
}


def rate(rating, choose):
    """Votes on all questions: choose(Question) -> vote."""
    while (question := rating.question) is not None:
        rating.choose(choose(question))
    return rating.result()


def prefers(word):
    return lambda q: "left" if q.left.startswith(word) else "right"


@pytest.fixture
def rating():
    return BlindRating(PROMPTS, ANSWERS, seed=3)


def test_every_pair_is_asked_once_with_both_answers(rating):
    seen = []
    rate(rating, lambda q: seen.append(q) or "same")
    assert sorted(q.prompt for q in seen) == sorted(PROMPTS)
    for q in seen:
        i = q.prompt.split()[1]
        assert {q.left, q.right} == {f"plain {i}", f"fine {i}"}
    assert [q.number for q in seen] == list(range(1, 21))
    assert [q.prompt for q in seen] != PROMPTS


def test_the_seed_decides_order_and_sides(rating):
    def questions(seed):
        seen = []
        rate(
            BlindRating(PROMPTS, ANSWERS, seed),
            lambda q: seen.append(q) or "same",
        )
        return seen

    assert questions(3) == questions(3)
    assert questions(3) != questions(4)
    assert rating.question == questions(3)[0]


@pytest.mark.parametrize("seed", range(5))
def test_each_side_is_fair(seed):
    """Who always says left prefers nobody."""
    rating = BlindRating(PROMPTS, ANSWERS, seed)
    result = rate(rating, lambda q: "left")
    assert result.wins == (10, 10) and result.left == 20
    assert result.verdict == "no difference shown"


@pytest.mark.parametrize("seed", range(5))
def test_votes_go_to_the_writer(seed):
    result = rate(BlindRating(PROMPTS, ANSWERS, seed), prefers("fine"))
    assert result.wins == (0, 20) and result.share.value == 1
    assert result.verdict == "tuned is preferred"
    assert 5 <= result.left <= 15
    other = rate(BlindRating(PROMPTS, ANSWERS, seed), prefers("plain"))
    assert other.wins == (20, 0) and other.verdict == "base is preferred"


def test_the_interval_says_what_may_be_chance(rating):
    """8 of 10: Wilson 0.4902 to 0.9433 (R: prop.test(8, 10, correct = FALSE))."""
    count = iter(range(20))

    def choose(question):
        n = next(count)
        fine = prefers("fine")(question)
        other = "left" if fine == "right" else "right"
        return "same" if n >= 10 else fine if n < 8 else other

    result = rate(rating, choose)
    assert result.wins == (2, 8) and result.same == 10
    assert result.share.low == pytest.approx(0.4902, abs=1e-4)
    assert result.share.high == pytest.approx(0.9433, abs=1e-4)
    assert str(result) == (
        "base 2, tuned 8, equal 10; tuned is preferred in 80% of the decided "
        "votes (95 % interval 49% to 94%): no difference shown."
    )


def test_equal_answers_are_not_asked():
    rating = BlindRating(
        ["a", "b"], {"x": ["same ", "one"], "y": ["same", "two"]}
    )
    assert len(rating) == 1 and rating.question.prompt == "b"
    result = rating.result()
    assert result.not_asked == 1 and result.open == 1 and result.share is None
    assert str(result) == "x 0, y 0, equal 0: no difference shown."


def test_back_takes_the_last_vote_away(rating):
    first = rating.question
    rating.back()  # nothing to take back
    rating.choose("left")
    rating.back()
    assert rating.question == first and rating.votes == []


def test_votes_are_kept_in_a_folder(tmp_path):
    folder = tmp_path / "new"
    rating = BlindRating(PROMPTS, ANSWERS, folder=folder)
    rating.choose("left")
    rating.choose("same")
    rating.back()
    again = BlindRating(PROMPTS, ANSWERS, folder=folder)
    assert again.votes == ["left"] and again.question.number == 2
    others = ANSWERS | {"tuned": ANSWERS["base"][::-1]}
    assert BlindRating(PROMPTS, others, folder=folder).votes == []
    assert BlindRating(PROMPTS, ANSWERS, 2, folder=folder).votes == []


def test_wrong_use_is_said(rating):
    with pytest.raises(ValueError, match="two writers with 20 answers"):
        BlindRating(PROMPTS, {"a": ["x"], "b": ["y"]})
    with pytest.raises(ValueError, match="left, same, right.*'both'"):
        rating.choose("both")
    rate(rating, lambda q: "same")
    with pytest.raises(ValueError, match="while there is a question"):
        rating.choose("left")


# --- the form ----------------------------------------------------------------------


def texts(widget):
    """All that a widget shows."""
    own = [str(getattr(widget, name, "")) for name in ("value", "description")]
    inner = [texts(child) for child in getattr(widget, "children", ())]
    return "\n".join(own + inner)


def button(widget, name):
    if getattr(widget, "description", None) == name:
        return widget
    found = [button(child, name) for child in getattr(widget, "children", ())]
    return next((b for b in found if b is not None), None)


def test_the_form_asks_all_and_tells_at_the_end(rating):
    pytest.importorskip("ipywidgets")
    shown = form(rating)
    assert button(shown, "Back").disabled
    for number in range(1, 21):
        text = texts(shown)
        assert f"Question {number} of 20" in text
        assert rating.question.left in text and rating.question.prompt in text
        assert "base" not in text and "tuned" not in text
        fine = rating.question.left.startswith("fine")
        side = "Left" if fine else "Right"
        button(shown, f"{side} is better").click()
    assert rating.result().wins == (0, 20)
    assert "tuned is preferred" in texts(shown)
    assert button(shown, "Equal").disabled
    button(shown, "Back").click()
    assert "Question 20 of 20" in texts(shown) and len(rating.votes) == 19


def test_the_form_shows_texts_as_they_are():
    pytest.importorskip("ipywidgets")
    bad = "<script>alert(1)</script> & <img src=x>"
    shown = texts(form(BlindRating([bad], {"a": [bad], "b": ["<b>b</b>"]})))
    assert "<script>" not in shown and "<img" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp;" in shown


def test_without_ipywidgets_it_says_what_to_do(rating, monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "ipywidgets", None)
    assert form(rating) is None
    assert "pip install ipywidgets" in capsys.readouterr().out
