# SPDX-License-Identifier: MIT
"""Writes one C++ file with every answer to the exercises of a topic: ours, the
empty one and the mistakes.

    write_mistakes.py TOPIC FILE

The environment variable MISTAKE="softmax=2" chooses the second mistake of
softmax, 0 our solution (the default of all), -1 the empty task. So all of them
are compiled and linked once for a topic.
"""

import pathlib
import re
import sys

EXERCISES = pathlib.Path(__file__).resolve().parent.parent

CHOOSE = """
namespace {

// Which answer of this function the environment asks for.
int chosen(const std::string& name) {
  const char* text = std::getenv("MISTAKE");
  const std::string wanted = text ? text : "";
  const size_t length = name.size() + 1;
  const bool mine = wanted.compare(0, length, name + "=") == 0;
  return mine ? std::stoi(wanted.substr(length)) : 0;
}

} // namespace
"""


def exercises_of(topic):
    """[(number, name of file and function)] of exercises/list.txt."""
    lines = (EXERCISES / "list.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split("|") for line in lines if not line.startswith("#")]
    [number] = [row[0] for row in rows if row[1] == topic]
    return [(r[0], r[2]) for r in rows if r[0].startswith(number + ".")]


def mistakes_of(number):
    """[(words of the test, changes)] of mistakes.txt."""
    lines = (EXERCISES / "tests/mistakes.txt").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in lines.splitlines()]
    return [(row[1], row[2:]) for row in rows if row[0] == number]


def with_mistake(solution, name, changes):
    """The text of the solution after the changes."""
    for change in changes:
        old, arrow, new = change.partition("=>")
        if arrow:
            assert old.strip() in solution, f"{name}: no {old} in the solution"
            solution = solution.replace(old.strip(), new.strip())
        else:
            head = re.search(rf"\bex::{name}\([^{{]*\{{", solution)
            body = change.removeprefix("= ")
            solution = solution[: head.end()] + f"\n  {body}\n}}\n"
    return solution


def without_includes(text):
    return re.sub(r"(?m)^(#include .*|//.*)\n", "", text)


def in_namespace(text, name, which):
    """The answer as function `name` of the namespace name_which."""
    text = re.sub(rf"\bex::{name}\(", f"{name}(", without_includes(text))
    return f"namespace {name}_{which} {{\nusing namespace ex;\n{text}}} // {which}\n"


def answers(topic, number, name):
    """The namespaces of all answers, and the function that calls one."""
    file = f"{topic}/{name}.cpp"
    student = (EXERCISES / "student" / file).read_text(encoding="utf-8")
    solution = (EXERCISES / "solution" / file).read_text(encoding="utf-8")
    parts = [in_namespace(student, name, "empty")]
    parts.append(in_namespace(solution, name, 0))
    mistakes = mistakes_of(number)
    for i, (_, changes) in enumerate(mistakes, 1):
        wrong = with_mistake(solution, name, changes)
        parts.append(in_namespace(wrong, name, i))
    call = re.search(r"not_yet\((.*)\);.*", student)
    cases = "".join(
        f"    case {i}:\n      return {name}_{i}::{name}({call[1]});\n"
        for i in range(len(mistakes) + 1)
    )
    switch = (
        f'switch (chosen("{name}")) {{\n{cases}    default:\n'
        f"      return {name}_empty::{name}({call[1]});\n  }}"
    )
    parts.append(without_includes(student.replace(call[0], switch)))
    return parts, re.findall(r"(?m)^#include .*$", student + "\n" + solution)


def main(topic, out):
    parts, includes = [], ["#include <cstdlib>", "#include <string>"]
    includes += ["#include <mlx/mlx.h>", "#include <cmath>"]
    for number, name in exercises_of(topic):
        more, lines = answers(topic, number, name)
        parts += more
        includes += lines
    text = "\n".join([*sorted(set(includes)), CHOOSE, *parts])
    pathlib.Path(out).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
