# SPDX-License-Identifier: MIT
"""The sample data for fine-tuning: shape, splits, style, and right answers.

What a program can know it works out again: sums, conversions, JSON, code.
"""

import collections
import itertools
import json
import pathlib
import re
import shutil
import subprocess
from fractions import Fraction

import pytest

CODE = pathlib.Path(__file__).resolve().parents[2] / "code"
SPLITS = ("train", "validation", "test")
HEAD = ("name", "description", "license", "format")
SHORT = r"In short: .+\n"
STYLE = {
    "about": SHORT + r"For example: .+",
    "explain_model": SHORT + r"For example: .+",
    "explain_code": SHORT + r"Notice: .+",
    "check_claim": r"Verdict: (true|false)\nBecause: .+",
    "compare": r"(?!Choose)[A-Z0-9][\w-]+: .+\n[A-Z0-9][\w-]+: .+\nChoose: .+",
    "checklist": r"First: .+\nNext: .+\nLast: .+",
    "arithmetic": r"Steps: .+\nAnswer: .+",
    "convert": r"Result: .+\nRule: .+",
    "classify": r"Label: .+\nReason: .+",
    "extract_json": r"\{.+\}",
    "summarise": r"One line: .+",
    "rewrite": r"(Polite|Plain): .+",
    "story": r"Start: .+\nThen: .+\nBut: .+\nEnd: .+",
}


def read(name):
    return json.loads((CODE / name).read_text("utf-8"))


def question(entry):
    if "prompt" in entry:
        return entry["prompt"]
    return "\n".join(
        entry[key] for key in ("instruction", "input") if key in entry
    )


DATA = read("sample_dataset.json")
PREFERENCES = read("sample_preferences.json")
PAIRS = [(s, e) for s in SPLITS for e in DATA[s]]
CHOICES = [(s, e) for s in SPLITS for e in PREFERENCES[s]]
# Good answers of both files: (kind, question, answer).
GOOD = [(e["kind"], question(e), e["output"]) for _, e in PAIRS]
GOOD += [(e["kind"], e["prompt"], e["chosen"]) for _, e in CHOICES]


def of_kind(kind):
    found = [(q, a) for k, q, a in GOOD if k == kind]
    assert len(found) >= 20
    return found


# --- shape -------------------------------------------------------------------


def test_counts_and_kinds_of_every_split():
    for data, sizes, least in (
        (DATA, (240, 40, 40), 3),
        (PREFERENCES, (44, 8, 8), 1),
    ):
        assert tuple(data) == HEAD + SPLITS
        assert data["license"] == "MIT"
        for split, size in zip(SPLITS, sizes):
            kinds = collections.Counter(e["kind"] for e in data[split])
            assert kinds.keys() == STYLE.keys()
            assert min(kinds.values()) >= least
            assert kinds.total() >= size


def test_fields():
    for _, entry in PAIRS:
        fields = ["instruction", "input", "output", "kind"]
        if "input" not in entry:
            fields.remove("input")
        assert list(entry) == fields
    for _, entry in CHOICES:
        assert list(entry) == ["prompt", "chosen", "rejected", "kind"]
    for _, entry in PAIRS + CHOICES:
        for text in entry.values():
            assert text and text == text.strip()
            assert text.isascii() and "\t" not in text


@pytest.mark.parametrize("data", ["dataset", "preferences"])
def test_one_entry_a_line(data):
    file = CODE / f"sample_{data}.json"
    lines = file.read_text("utf-8").splitlines()
    entries = [json.loads(l.rstrip(",")) for l in lines if "{" in l[1:]]
    content = read(file.name)
    assert entries == [e for s in SPLITS for e in content[s]]


def test_lengths():
    """Short enough that two cores train on all of it in minutes."""
    for _, entry in PAIRS:
        assert 3 <= len(question(entry).split()) <= 60, entry
        assert len(question(entry)) <= 400, entry
    for _, _, answer in GOOD:
        assert len(answer.split()) <= 60 and len(answer) <= 320, answer
    for _, entry in CHOICES:
        assert 3 <= len(entry["rejected"].split()) <= 80, entry


# --- repetition --------------------------------------------------------------


def trigrams(text):
    words = re.findall(r"\w+", text.lower())
    return set(zip(words, words[1:], words[2:]))


def shared(held_out, other):
    """The part of the word 3-grams of one prompt that another has too."""
    grams = trigrams(held_out)
    return len(grams & trigrams(other)) / len(grams)


def test_the_measure_of_repetition():
    assert shared("one two three four", "ONE, two three! five") == 0.5
    assert shared("What is a token?", "Tell me what is a token.") == 1
    assert shared("What is a token?", "What is an epoch?") == 0


def test_no_prompt_is_nearly_another():
    """Not only held-out against training: any two, of both files."""
    prompts = [question(e) for _, e in PAIRS + CHOICES]
    grams = [trigrams(p) for p in prompts]
    assert all(grams)
    for i, j in itertools.combinations(range(len(prompts)), 2):
        least = min(len(grams[i]), len(grams[j]))
        common = len(grams[i] & grams[j])
        assert 2 * common <= least, (prompts[i], prompts[j])


def test_no_answer_twice():
    answers = [a for _, _, a in GOOD] + [e["rejected"] for _, e in CHOICES]
    assert len(set(answers)) == len(answers)


# --- style -------------------------------------------------------------------


def test_answers_have_the_style_of_their_kind():
    for kind, _, answer in GOOD:
        assert re.fullmatch(STYLE[kind], answer), (kind, answer)


def test_about_names_the_assistant():
    for _, answer in of_kind("about"):
        assert "Mica" in answer.splitlines()[0]


def test_labels_are_among_the_choices():
    for asked, answer in of_kind("classify"):
        label = answer.splitlines()[0].removeprefix("Label: ")
        if '"' not in asked:  # preference prompts may imply the choices
            assert label.lower() in asked.lower().split("\n")[0], asked


def test_both_verdicts_in_every_split():
    verdicts = {
        (split, e["output"].splitlines()[0])
        for split, e in PAIRS
        if e["kind"] == "check_claim"
    }
    assert len(verdicts) == 2 * len(SPLITS)


# --- answers that can be worked out ------------------------------------------

NUMBER = r"-?\d+(?:\.\d+)?"
WORDS = "one two three four five six seven eight nine ten eleven twelve"
NAMED = {word: n for n, word in enumerate(WORDS.split(), 1)}
NAMED |= {"half": 2, "twice": 2, "quarter": 4, "year": 12}
OPERATIONS = {
    "+": Fraction.__add__,
    "-": Fraction.__sub__,
    "*": Fraction.__mul__,
    "/": Fraction.__truediv__,
}


def check_sum(asked, answer):
    """Each step is right and uses the question's numbers or earlier results."""
    steps, result = answer.split("\n")
    known = {Fraction(n) for n in re.findall(NUMBER, asked)}
    words = re.findall(r"[a-z]+", asked.lower())
    known |= {Fraction(NAMED[w]) for w in words if w in NAMED}
    for step in steps.removeprefix("Steps: ").split("; "):
        a, sign, b, right = re.fullmatch(
            rf"({NUMBER}) ([-+*/]) ({NUMBER}) = ({NUMBER})", step
        ).groups()
        assert {Fraction(a), Fraction(b)} <= known, step
        assert OPERATIONS[sign](Fraction(a), Fraction(b)) == Fraction(right)
        known.add(Fraction(right))
    assert re.fullmatch(rf"Answer: {re.escape(right)} [a-z]+", result), answer


def test_sums():
    for asked, answer in of_kind("arithmetic"):
        check_sum(asked, answer)


@pytest.mark.parametrize(
    "answer",
    [
        "Steps: 2 * 3 = 7\nAnswer: 7 pens",
        "Steps: 2 * 3 = 6\nAnswer: 5 pens",
        "Steps: 2 * 4 = 8\nAnswer: 8 pens",
    ],
)
def test_a_wrong_sum_is_seen(answer):
    with pytest.raises(AssertionError):
        check_sum("2 bags with 3 pens each. How many pens?", answer)


UNITS = {  # by dimension, in the smallest unit
    "length": {"cm": 100, "m": 10000, "km": 10**7, "in": 254, "ft": 3048},
    "time": {"us": 1, "ms": 1000, "s": 10**6, "min": 60 * 10**6},
    "mass": {"g": 1, "kg": 1000},
    "volume": {"ml": 1, "l": 1000},
    "area": {"m2": 1, "ha": 10000},
    "memory": {"bit": 1, "B": 8, "KiB": 8 * 1024, "MiB": 8 * 1024**2},
}
UNITS["time"] |= {"h": 36 * 10**8, "d": 864 * 10**8, "wk": 6048 * 10**8}


def converted(value, unit, target):
    if (unit, target) == ("C", "F"):
        return value * Fraction("1.8") + 32
    if (unit, target) == ("F", "C"):
        return (value - 32) / Fraction("1.8")
    (sizes,) = [s for s in UNITS.values() if unit in s and target in s]
    return value * sizes[unit] / sizes[target]


def by_rule(value, rule):
    """Does what the sentence after "Rule:" says."""
    for verb, number in re.findall(rf"(\w+)(?: by)? ({NUMBER})", rule):
        sign = {"multiply": "*", "divide": "/", "add": "+", "subtract": "-"}
        if verb in sign:
            value = OPERATIONS[sign[verb]](value, Fraction(number))
    return value


def test_conversions():
    for asked, answer in of_kind("convert"):
        form = rf"Result: ({NUMBER}) (\w+) = ({NUMBER}) (\w+)\n"
        a, unit, b, target = re.match(form, answer).groups()
        value, result = Fraction(a), Fraction(b)
        assert converted(value, unit, target) == result, answer
        assert by_rule(value, answer.split("\n")[1]) == result, answer
        if "alf a" not in asked and "Minus" not in asked:
            assert a in asked.replace(",", ""), (asked, answer)


def test_json_answers():
    for asked, answer in of_kind("extract_json"):
        parsed = json.loads(answer)
        assert json.dumps(parsed) == answer
        for key, value in parsed.items():
            known = asked.lower().replace(" in pixels", "")
            assert key.replace("_sunday", "") in known, (asked, key)
            if isinstance(value, list):
                assert all(v.lower() in known for v in value), answer


def test_code_compiles(tmp_path):
    """All snippets as one file: each in a namespace of its own."""
    compiler = shutil.which("c++") or shutil.which("g++")
    if not compiler:
        pytest.skip("no C++ compiler")
    headers = "algorithm fstream functional iostream map memory numeric"
    headers += " optional set stdexcept string vector"
    text = "".join(f"#include <{h}>\n" for h in headers.split())
    snippets = [e["input"] for _, e in PAIRS if e["kind"] == "explain_code"]
    assert len(snippets) >= 25
    for number, code in enumerate(snippets):
        text += f"namespace s{number} {{\n{code}\n}}\n"
    source = tmp_path / "snippets.cpp"
    source.write_text(text)
    flags = ["-std=c++20", "-fsyntax-only", "-Wall", "-Werror"]
    flags += ["-Wno-sign-compare", "-Wno-pessimizing-move"]
    done = subprocess.run(
        [compiler, *flags, str(source)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
