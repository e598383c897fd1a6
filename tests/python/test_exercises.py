# SPDX-License-Identifier: MIT
"""The trees of exercises/: the solutions pass; the empty tasks fail, each only
its own tests; and the mistakes that people make are found by the test that says
so. That both trees fit the same headers is what the compiler checks: they
define ex::name, which must be declared."""
import os
import pathlib
import re
import signal
import subprocess
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXERCISES = ROOT / "exercises"
LIST = [
    line.split("|")
    for line in (EXERCISES / "list.txt").read_text().splitlines()
    if line and not line.startswith("#")
]
TOPICS = {row[0]: row for row in LIST if "." not in row[0]}
TASKS = {row[0]: row for row in LIST if "." in row[0]}
MISTAKES = [
    line.split(" | ")
    for line in (EXERCISES / "tests/mistakes.txt").read_text().splitlines()
    if line and not line.startswith("#")
]
ENDLESS = ["1.1", "each pair", "++i) => )"]  # has a test of its own


def folder(number):
    return TOPICS[number.split(".")[0]][1]


def text(tree, number):
    file = EXERCISES / tree / folder(number) / f"{TASKS[number][2]}.cpp"
    return file.read_text()


def test_names(number):
    tests = EXERCISES / f"tests/{folder(number)}_test.cpp"
    names = re.findall(r'TEST_CASE\("(.*)"\)', tests.read_text())
    return [name for name in names if name.startswith(number + " ")]


test_names.__test__ = False


# --- the list and the files --------------------------------------------------


def test_list_names_the_topics_in_order():
    assert list(TOPICS) == [str(n) for n in range(1, 9)]
    numbers = [tuple(map(int, number.split("."))) for number in TASKS]
    assert numbers == sorted(numbers)
    for topic in TOPICS:
        own = [row for number, row in TASKS.items() if number[0] == topic]
        assert [row[0] for row in own] == [
            f"{topic}.{n}" for n in range(1, len(own) + 1)
        ]
        stars = [len(row[1]) for row in own]
        assert stars == sorted(stars) and set(stars) == {1, 2, 3}
        assert all(set(row[1]) == {"★"} and len(row) == 5 for row in own)


@pytest.mark.parametrize("tree", ["student", "solution"])
def test_tree_has_the_files_of_the_list(tree):
    found = (EXERCISES / tree).rglob("*")
    names = sorted(str(p.relative_to(EXERCISES)) for p in found if p.is_file())
    wanted = [f"{tree}/{folder(n)}/{row[2]}.cpp" for n, row in TASKS.items()]
    assert names == sorted(wanted)
    for number, row in TASKS.items():
        lines = text(tree, number).splitlines()
        title = f"// Exercise {number} {row[1]} {row[3]}"
        assert lines[:3] == ["// SPDX-License-Identifier: MIT", "//", title]
        header = f'#include "exercises/include/{folder(number)}.h"'
        assert header in lines
        assert max(map(len, lines)) <= 80, title
        assert f"ex::{row[2]}(" in text(tree, number)


def test_an_empty_task_is_one_call():
    for number in TASKS:
        lines = text("student", number).split("{", 1)[1].split("\n")
        body = [line.split("//")[0].strip() for line in lines]
        assert re.fullmatch(r"not_yet\([^()]+\);", body[-3]), number
        assert "not_yet" not in text("solution", number)


def test_headers_and_pages():
    headers = {p.stem for p in (EXERCISES / "include").glob("*.h")}
    assert headers == {row[1] for row in TOPICS.values()} | {"not_yet"}
    for number, row in TASKS.items():
        header = (EXERCISES / f"include/{folder(number)}.h").read_text()
        assert re.search(rf"/\*\* {number}: (?s:.)*?\b{row[2]}\(", header)


def test_readme_has_the_table_of_topics():
    readme = (EXERCISES / "README.md").read_text()
    rows = re.findall(
        r"^\| (\d) (.*?) \| (\w+) \| (\d+) \| \[.*?\]\(\.\./(.*?)\) \|$",
        readme,
        re.M,
    )
    assert rows == [
        (row[0], row[2], row[3], row[4], row[5]) for row in TOPICS.values()
    ]


def test_pages_to_read_first_exist():
    for row in TOPICS.values():
        assert (ROOT / row[5]).is_file(), row[5]


def test_every_exercise_has_tests_and_every_mistake_a_test():
    for number in TASKS:
        assert len(test_names(number)) >= 3, number
        assert len([m for m in MISTAKES if m[0] == number]) >= 3, number
    for number, words, *changes in MISTAKES:
        assert changes, (number, words)
        assert [n for n in test_names(number) if words in n], (number, words)


# --- the programs ------------------------------------------------------------


@pytest.fixture(scope="module")
def programs():
    """The folder of student_norm, solution_norm, mistakes_norm, ..."""
    if "LLM_PROGRAMS" not in os.environ:
        pytest.fail("LLM_PROGRAMS is not set: run ./tutorial test")
    build = pathlib.Path(os.environ["LLM_PROGRAMS"]).parent
    targets = [
        f"{tree}_{row[1]}"
        for tree in ("student", "solution", "mistakes")
        for row in TOPICS.values()
    ]
    done = subprocess.run(
        ["ninja", "-C", str(build), *targets], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return build / "exercises"


def outcomes(path, tests="*", **env):
    """{test: passed}; a name holds commas, which doctest splits at."""
    done = subprocess.run(
        [str(path), "-r=xml", f"-tc={tests.replace(',', '?')}"],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **env},
    )
    try:
        cases = ElementTree.fromstring(done.stdout).iter("TestCase")
    except ElementTree.ParseError:  # it crashed
        return {tests: False}
    result = {}
    for case in cases:
        outcome = case.find("OverallResultsAsserts")
        if outcome is not None:  # else it was filtered out
            passed = outcome.get("test_case_success") == "true"
            result[case.get("name")] = passed
    return result


def in_parallel(function, items):
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(function, items))


def all_tests(topic):
    return {
        n for number in TASKS if number[0] == topic for n in test_names(number)
    }


@pytest.mark.parametrize(
    "tree, passes", [("solution", True), ("student", False)]
)
def test_every_test_passes_or_fails(programs, tree, passes):
    def run(topic):
        return outcomes(programs / f"{tree}_{TOPICS[topic][1]}")

    for topic, result in zip(TOPICS, in_parallel(run, TOPICS)):
        assert set(result) == all_tests(topic)
        wrong = [name for name, passed in result.items() if passed != passes]
        assert wrong == []


def test_a_missing_answer_fails_alone(programs):
    """With all others solved only the tests of this exercise fail."""

    def run(number):
        mistakes = programs / f"mistakes_{folder(number)}"
        return outcomes(mistakes, MISTAKE=f"{TASKS[number][2]}=-1")

    for number, result in zip(TASKS, in_parallel(run, TASKS)):
        assert set(result) == all_tests(number[0])
        failed = {name for name, passed in result.items() if not passed}
        assert failed == set(test_names(number))


def test_each_mistake_is_found_by_the_test_that_says_so(programs):
    numbered = []
    for number in TASKS:
        own = [m for m in MISTAKES if m[0] == number]
        numbered += [(i, m) for i, m in enumerate(own, 1) if m != ENDLESS]

    def run(item):
        index, (number, words, *_) = item
        [name, *_] = [n for n in test_names(number) if words in n]
        mistakes = programs / f"mistakes_{folder(number)}"
        return outcomes(
            mistakes, name, MISTAKE=f"{TASKS[number][2]}={index}"
        ).get(name)

    passed = in_parallel(run, numbered)
    assert [m for (_, m), found in zip(numbered, passed) if found] == []
    assert None not in passed, "every one of these tests was run"


# --- what the learner reads --------------------------------------------------


def plain(path, number, out, **env):
    done = subprocess.run(
        [str(path), "-r=plain", f"-o={out}", f"-tc={number} *"],
        capture_output=True,
        text=True,
        env={**os.environ, **env},
    )
    found = out.read_text().splitlines() if out.exists() else []
    return done.returncode, found


def found(programs, out, wanted, **env):
    """What a mistake, known by the beginning of its first change, shows."""
    [mistake] = [m for m in MISTAKES if m[2].startswith(wanted)]
    number = mistake[0]
    index = 1 + [m for m in MISTAKES if m[0] == number].index(mistake)
    choice = f"{TASKS[number][2]}={index}"
    path = programs / f"mistakes_{folder(number)}"
    return plain(path, number, out, MISTAKE=choice, **env)


def test_the_plain_reporter(programs, tmp_path):
    out = tmp_path / "out.txt"
    norm = programs / "solution_norm"
    assert plain(norm, "3.1", out) == (0, ["right"])
    assert plain(norm, "9.9", out) == (0, ["no tests"])
    status, lines = plain(programs / "student_norm", "3.2", out)
    assert (status, lines[0], lines[2]) == (1, "not yet", "not written yet")
    assert found(programs, out, "x - mx::max(x, -1, true) => x") == (
        1,
        [
            "not yet",
            "3.1 softmax: large scores do not overflow (take the maximum off)",
            "softmax of [1000, 1000, 0]: expected 0.5 at [0] but received nan",
        ],
    )


def test_a_shape_an_exception_and_a_crash_in_words(programs, tmp_path):
    out = tmp_path / "out.txt"
    _, lines = found(programs, out, "mx::mean( => (")
    assert lines[2].endswith("expected the shape [] but received [3, 16]")
    status, lines = found(programs, out, "(f, all)")
    assert status == 1 and lines[2].startswith("it threw: ")
    status, lines = found(programs, out, "i = 1; i < ids.size()")
    assert status != 0 and lines[2].startswith("it crashed (an index")


def test_a_loop_without_end_is_stopped(programs, tmp_path):
    """By SIGALRM, which a shell sees as 142; no test could say a word."""
    out = tmp_path / "out.txt"
    result = found(programs, out, ENDLESS[2], EXERCISE_SECONDS="1")
    assert result == (-signal.SIGALRM, [])
