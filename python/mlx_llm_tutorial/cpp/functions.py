# SPDX-License-Identifier: MIT
"""The functions that a cell defines, and the names of their parameters.

Understood: function definitions at the top level of the cell, with default
values, attributes and trailing return types. Not understood, and said so when
one of them is to be exported: templates, `auto` parameters, C arrays and
function pointers as parameters, functions inside a namespace or a class.
"""

import contextlib
from dataclasses import dataclass

from .tokens import SourceError, past_angles

TYPES = ("struct", "class", "enum", "union")
SPECIFIERS = ("static", "inline", "constexpr", "consteval", "extern")
# A word before "(" that does not name a function.
OTHER_WORDS = (
    "noexcept decltype alignas explicit requires __attribute__".split()
)
# The last word of a type that has no parameter's name after it.
TYPE_WORDS = "bool char short int long float double unsigned signed".split()
TYPE_WORDS += "void const volatile".split()


@dataclass(frozen=True)
class Function:
    name: str
    offset: int  # of the name
    head: tuple  # the tokens before the `{`
    is_template: bool

    def at(self):
        return next(
            i for i, t in enumerate(self.head) if t.start == self.offset
        )


@dataclass(frozen=True)
class Parameter:
    type: str  # as it was written, as all that follows
    name: str  # "" if it has none
    default: str  # "" if it has none


@dataclass(frozen=True)
class Signature:
    returns: str
    trailing: str  # "-> T", or ""
    parameters: tuple


@dataclass(frozen=True)
class Declarations:
    functions: list
    types: list  # names of structs, classes, enums
    variables: list  # names of what is made with `=` and braces: lambdas


def find_declarations(tokens, pairs):
    """What the text defines at its top level."""
    found = Declarations([], [], [])
    first = index = 0
    while index < len(tokens):
        sign = tokens[index].text
        if sign == "{":
            between = tokens[first:index]
            head = [t for t in between if t.kind != "directive"]
            with contextlib.suppress(SourceError):  # it is no function to us
                read_head(without_attributes(head), found)
        index = pairs.get(index, index)
        if sign in ("{", ";"):
            first = index + 1
        index += 1
    return found


def read_head(head, found):
    """`head`: the tokens before a `{` at the top level."""
    is_template = bool(head) and head[0].text == "template"
    if is_template:
        head = head[past_angles(head, 1) :]
    words = [t.text for t in head]
    before = words[: words.index("=")] if "=" in words else words
    if before != words and before and "(" not in before:
        found.variables.append(before[-1])
        return
    name = find_name(head)
    if name is not None:
        function = Function(name.text, name.start, tuple(head), is_template)
        found.functions.append(function)
    elif words and words[0] in TYPES:
        found.types.extend([w for w in words[1:] if w not in TYPES][:1])


def find_name(head):
    """The word before the first `(` that is not in angle brackets. None: not a
    function, or a member of something."""
    index = 0
    while index < len(head):
        token = head[index]
        if token.text == "operator":
            return None
        if token.text == "<":
            index = past_angles(head, index)
            continue
        if token.text == "(" and index > 1:
            name, before = head[index - 1], head[index - 2].text
            if name.kind == "word" and name.text not in OTHER_WORDS:
                return None if before == "::" else name
            index = closing(head, index)
        index += 1
    return None


def signature(text, function):
    """Raises SourceError for what cannot be exported."""
    head, at = function.head, function.at()
    end = closing(head, at + 1)
    parts = split(head[at + 2 : end])
    parameters = tuple(read_parameter(text, part) for part in parts)
    if function.is_template or any("auto" in p.type for p in parameters):
        raise SourceError(
            f"expected a function but '{function.name}' is a template; write a "
            "function that calls it with the types that you want.",
            function.offset,
        )
    returns = [t for t in head[:at] if t.text not in SPECIFIERS]
    returns = [t for t in returns if t.kind != "string"]  # extern "C"
    arrow = [i for i, t in enumerate(head) if i > end and t.text == "->"]
    trailing = head[arrow[0] :] if arrow else ()
    return Signature(
        written(text, returns), written(text, trailing), parameters
    )


def read_parameter(text, tokens):
    tokens = without_attributes(tokens)
    equal = next((i for i, t in enumerate(tokens) if t.text == "="), None)
    default = "" if equal is None else written(text, tokens[equal + 1 :])
    tokens = tokens[:equal]
    last = tokens[-1]
    if last.text in ("]", ")", "."):
        message = (
            "expected a parameter such as `const mx::array& x` but received "
            f"'{written(text, tokens)}'; use std::vector for an array and "
            "std::function for a function."
        )
        raise SourceError(message, last.start)
    before = [t.text for t in tokens[:-1] if t.text not in ("const", *TYPES)]
    is_name = last.kind == "word" and last.text not in TYPE_WORDS
    if not is_name or not before or before[-1] == "::":
        return Parameter(written(text, tokens), "", default)
    return Parameter(written(text, tokens[:-1]), last.text, default)


def closing(tokens, start):
    depth = 0
    for index in range(start, len(tokens)):
        depth += (tokens[index].text == "(") - (tokens[index].text == ")")
        if depth == 0:
            return index
    raise SourceError("expected a ')'.", tokens[start].start)


def split(tokens):
    """The parts between commas that stand in no brackets; none for (void).
    Angle brackets count only outside of the others, so that `(1 << 4)` may be a
    default value."""
    parts, depth, angles = [[]], 0, 0
    for token in tokens:
        depth += (token.text in ("(", "[", "{")) - (
            token.text in (")", "]", "}")
        )
        if depth == 0:
            angles += (token.text == "<") - (token.text == ">")
        if token.text == "," and depth == 0 and angles == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    if angles != 0:
        message = "expected angle brackets in pairs; put a default value with "
        raise SourceError(message + "< or > into parentheses.", token.start)
    if [[t.text for t in part] for part in parts] in ([[]], [["void"]]):
        return []
    return [part for part in parts if part]


def without_attributes(tokens):
    """Without [[maybe_unused]] and the like at the front."""
    while [t.text for t in tokens[:2]] == ["[", "["]:
        end = next(i for i, t in enumerate(tokens) if t.text == "]")
        tokens = tokens[end + 2 :]
    return tokens


def written(text, tokens):
    return text[tokens[0].start : tokens[-1].end] if tokens else ""
