# SPDX-License-Identifier: MIT
"""Measured numbers in the text, each from a file of benchmarks/results:

    <!-- value: nano.json result.seconds /60 .1f -->13.2<!-- /value -->

FILE PATH [*NUMBER or /NUMBER] FORMAT. The path is dotted; a list takes a number
(rows.0.loss) or a choice (rows[preset=nano].loss). The format is Python's.
"""

import json
import re

from pages import Problem

FOLDER = "benchmarks/results"
VALUE = re.compile(
    r"<!--\s*value:(?P<what>[^>]*?)-->(?P<shown>(?:(?!<!--).)*)"
    r"<!--\s*/value\s*-->",
    re.S,
)
MARK = re.compile(r"<!--\s*/?\s*value\b")
SCALE = re.compile(
    r"(?P<path>.+?)\s*(?P<sign>[*/])\s*(?P<number>[\d.]+(e-?\d+)?)"
)
CHOICE = re.compile(r"(?P<list>.*)\[(?P<key>[^=\]]+)=(?P<value>[^\]]*)\]", re.S)


class ValueProblem(Exception):
    """What is wrong with a value comment, and what to write."""


class Results:
    """The result files of a repository, each read once."""

    def __init__(self, root):
        self.folder, self.files = root / FOLDER, {}

    def data(self, name):
        if name not in self.files:
            path = self.folder / name
            if "/" in name or not path.is_file():
                raise ValueProblem(
                    f"expected a file of {FOLDER} but found no '{name}'."
                )
            try:
                self.files[name] = json.loads(path.read_text(encoding="utf-8"))
            except ValueError as error:
                raise ValueProblem(
                    f"expected JSON in {FOLDER}/{name} but: {error}."
                ) from None
        return self.files[name]

    def text(self, what):
        """What has to be shown for the words of a comment."""
        words = what.split()
        if len(words) < 3:
            raise ValueProblem(
                "expected FILE PATH FORMAT, as in: shakespeare.json "
                f"result.mean.seconds .0f; received '{' '.join(words)}'."
            )
        value = self.number(self.data(words[0]), " ".join(words[1:-1]))
        try:
            return format(value, words[-1])
        except (ValueError, TypeError) as error:
            raise ValueProblem(
                f"expected a format for {value!r} but received '{words[-1]}': "
                f"{error}."
            ) from None

    def number(self, data, path):
        scale = SCALE.fullmatch(path)
        try:
            return find(data, path)
        except LookupError as error:
            if not scale:
                raise ValueProblem(str(error)) from None
        try:
            value, number = find(data, scale["path"]), float(scale["number"])
            return value * number if scale["sign"] == "*" else value / number
        except (LookupError, TypeError, ZeroDivisionError) as error:
            raise ValueProblem(str(error)) from None


def find(data, path):
    """What a dotted path leads to. A key may have dots of its own: the longest
    that is there wins. Raises LookupError."""
    if not path:
        if isinstance(data, (dict, list)):
            raise LookupError(
                f"expected a number but the path ends at {kind(data)}"
            )
        return data
    parts, deepest = path.split("."), None
    for size in range(len(parts), 0, -1):
        step = ".".join(parts[:size])
        try:
            inner = take(data, step)
        except (LookupError, ValueError, TypeError):
            continue
        try:
            return find(inner, ".".join(parts[size:]))
        except LookupError as error:
            deepest = deepest or error
    raise deepest or LookupError(f"expected '{path}' in {kind(data)}")


def take(data, step):
    """One step of a path."""
    if isinstance(data, dict) and step in data:
        return data[step]
    choice = CHOICE.fullmatch(step)
    if choice:
        rows = take(data, choice["list"])
        key, value = choice["key"], choice["value"]
        found = [row for row in rows if str(row.get(key)) == value]
        if len(found) != 1:
            raise LookupError(step)
        return found[0]
    if isinstance(data, list):
        return data[int(step)]
    raise LookupError(step)


def kind(data):
    if isinstance(data, list):
        return f"a list of {len(data)}; take one: .0, or [key=value]."
    if isinstance(data, dict):
        return f"an object that has: {', '.join(data)}."
    return f"{data!r}, which has nothing inside."


def matches(page):
    """The value comments with what they show, outside of code."""
    for match in VALUE.finditer(page.masked):
        yield match, page.line_at(match.start())


def check(page, results):
    found, told = list(matches(page)), set()
    for match, line in found:
        try:
            wanted = results.text(match["what"])
        except ValueProblem as error:
            if str(error) not in told:  # a missing file: once
                yield Problem(page.name, line, str(error))
            told.add(str(error))
            continue
        if match["shown"] != wanted:
            what = f"expected {wanted} but received {match['shown']}; run: "
            what += f"./tutorial docs write {page.name}"
            yield Problem(page.name, line, what)
    inside = [range(*match.span()) for match, _ in found]
    for mark in MARK.finditer(page.masked):
        if not any(mark.start() in span for span in inside):
            what = (
                "expected <!-- value: ... -->NUMBER<!-- /value --> but found "
            )
            what += "half of it; add the other."
            yield Problem(page.name, page.line_at(mark.start()), what)


def filled(page, results):
    """The text of a page with all values as they are now."""
    text = page.text
    for match, _ in reversed(list(matches(page))):
        try:
            wanted = results.text(match["what"])
        except ValueProblem:
            continue  # check says so
        start, end = match.span("shown")
        text = text[:start] + wanted + text[end:]
    return text
