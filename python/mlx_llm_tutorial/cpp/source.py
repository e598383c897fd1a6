# SPDX-License-Identifier: MIT
"""The C++ of one cell: what it includes and defines, and its text with looks
for Ctrl-C, line for line, so that errors have the learner's line numbers.
"""

import re

from .functions import find_declarations
from .loops import interrupt_checks
from .tokens import SourceError, partners, place, tokenize

FIRST_LINE = 2  # of the C++ in a cell: the first is the %%cpp
INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')
CONDITION = re.compile(r"\s*#\s*(if|endif)")
ONCE = re.compile(r"\s*#\s*pragma\s+once")


class Source:
    """The C++ of one cell. Raises SourceError."""

    def __init__(self, text, kind="module"):
        self.text, self.kind = text, kind
        self.tokens = tokenize(text)
        pairs = partners(self.tokens)
        self.found = find_declarations(self.tokens, pairs)
        self.includes = list(find_includes(self.tokens, kind == "main"))
        self.checks = []
        if kind != "main":
            self.checks = interrupt_checks(self.tokens, pairs)
        check_main(self)

    def function(self, name):
        """All functions of that name: more than one if it is overloaded."""
        return [f for f in self.found.functions if f.name == name]

    def line_of(self, offset):
        return place(self.text, offset)[0] + FIRST_LINE - 1

    def rewritten(self, headers):
        """The text with its checks, line for line. Includes are gone, or in a
        program rewritten in their place."""
        edits = [(at, at, text) for at, text in self.checks]
        for token, name, is_quoted in self.includes:
            new = include(name, is_quoted, headers)
            if self.kind != "main":
                new = "\n" * token.text.count("\n")
            edits.append((token.start, token.end, new))
        for token in self.tokens:
            if token.kind == "directive" and ONCE.match(token.text):
                edits.append((token.start, token.end, ""))
        return edited(self.text, edits)

    def column(self, line, column):
        """The learner's column of a byte column in the rewritten text."""
        at = [place(self.text, offset) for offset, _ in self.checks]
        lines = self.text.split("\n")
        row = line - FIRST_LINE
        learners = lines[row].encode() if 0 <= row < len(lines) else b""
        for (other, start), (_, text) in zip(at, self.checks):
            before = len(lines[other - 1][: start - 1].encode())
            if other - 1 == row and column > before + 1:
                column = max(before + 1, column - len(text))
        return len(learners[: column - 1].decode(errors="ignore")) + 1


def find_includes(tokens, anywhere):
    """(token, name, True if in quotes) of each #include."""
    depth = 0
    for token in (t for t in tokens if t.kind == "directive"):
        condition, found = CONDITION.match(token.text), INCLUDE.match(
            token.text
        )
        if condition:
            depth += 1 if condition[1] == "if" else -1
        if found and depth > 0 and not anywhere:
            message = "expected an #include outside of #if; move it out."
            raise SourceError(message, token.start)
        if found:
            yield token, found[2], found[1] == '"'


def check_main(source):
    main = source.function("main")
    if source.kind == "main" and not main:
        raise SourceError("expected `int main() {...}` in a --main cell.")
    if source.kind != "main" and main:
        message = "expected no main() here; a program is a %%cpp --main cell."
        raise SourceError(message, main[0].offset)


def edited(text, edits):
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def include(name, is_quoted, headers):
    if is_quoted and name in headers:
        return f'#include "{headers[name]}"'
    return f'#include "{name}"' if is_quoted else f"#include <{name}>"
