# SPDX-License-Identifier: MIT
"""C++ text as tokens: enough to find functions, includes and loops in a cell.

Understood: comments, strings (raw ones too), characters, numbers, preprocessor
lines with continuations, brackets. Not understood: trigraphs, and brackets that
are balanced only after the preprocessor (an opening one in each of #if and
#else). Who meets one of these gets a SourceError, never a wrong answer.
"""

import re
from typing import NamedTuple

TOKEN = re.compile(
    r"""
      (?P<directive> ^[ \t]*\#(?:\\\n|[^\n])* )
    | (?P<space>     \s )
    | (?P<comment>   //(?:\\\n|[^\n])* | /\*.*?\*/ )
    | (?P<raw>       (?:u8|u|U|L)?R"(?P<end>[^()\\\s]{0,16})\(.*?\)(?P=end)" )
    | (?P<string>    (?:u8|u|U|L)?"(?:\\.|[^"\\\n])*" )
    | (?P<char>      (?:u8|u|U|L)?'(?:\\.|[^'\\\n])+' )
    | (?P<number>    \.?\d(?:[eEpP][+-]|'?\w|\.)* )
    | (?P<word>      [^\W\d]\w* )
    | (?P<open>      /\*|"|' )
    | (?P<sign>      ::|->|&&|\|\||<=|>=|==|!=|. )
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
UNENDED = {
    "/*": "expected the end of this comment, */",
    '"': 'expected the end of this text, a second "',
    "'": "expected the end of this character, a second '",
}
CLOSING = {"(": ")", "[": "]", "{": "}"}


class SourceError(Exception):
    """What is wrong with the text of a cell, and where: an offset in it, or
    None for its first line, the %%cpp itself."""

    def __init__(self, message, offset=None):
        super().__init__(message)
        self.offset = offset


class Token(NamedTuple):
    kind: str  # directive, string, char, number, word or sign
    text: str
    start: int  # offsets: text[start:end]
    end: int


def tokenize(text):
    """The tokens of `text`, without spaces and comments."""
    tokens = []
    for match in TOKEN.finditer(text):
        kind = match.lastgroup
        if kind == "end":
            kind = "raw"
        if kind == "open":
            raise SourceError(UNENDED[match[0]] + ".", match.start())
        if kind not in ("space", "comment"):
            tokens.append(Token(kind, match[0], *match.span()))
    return tokens


def partners(tokens):
    """{index of (, [ or {: index of the one that closes it}."""
    pairs, waiting = {}, []
    for index, token in enumerate(tokens):
        if token.kind != "sign":
            continue
        if token.text in CLOSING:
            waiting.append(index)
        elif token.text in CLOSING.values():
            opener = tokens[waiting[-1]] if waiting else None
            if opener is None or CLOSING[opener.text] != token.text:
                raise SourceError(unmatched(token, opener), token.start)
            pairs[waiting.pop()] = index
    if waiting:
        opener = tokens[waiting[-1]]
        wanted = CLOSING[opener.text]
        message = f"expected a '{wanted}' for this '{opener.text}'."
        raise SourceError(message, opener.start)
    return pairs


def unmatched(token, opener):
    if opener is None:
        return f"expected nothing open but received '{token.text}'."
    wanted = CLOSING[opener.text]
    return f"expected '{wanted}' but received '{token.text}'."


def past_angles(tokens, start):
    """The index after the `>` that closes the `<` at `start`. Comparisons are
    not told from brackets: parentheses around them help."""
    depth, index = 0, start
    while index < len(tokens):
        text = tokens[index].text
        depth += (text == "<") - (text == ">")
        index += 1
        if depth == 0:
            return index
    raise SourceError("expected a '>' for this '<'.", tokens[start].start)


def place(text, offset):
    """(line, column) of an offset, both from 1."""
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1
