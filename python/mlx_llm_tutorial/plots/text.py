# SPDX-License-Identifier: MIT
"""Tokens as text that can be seen: spaces, line ends, lone bytes and characters
that no font here has (the rules of the page's tokens.js)."""

import functools
import unicodedata

from matplotlib import font_manager

from .style import MONO

MARKS = {"\n": "↵", "\t": "⇥", " ": "·"}
# For scripts that MONO lacks, where the system has one of these.
FALLBACKS = (
    "DejaVu Sans",
    "Noto Sans Mono CJK SC",
    "Noto Sans CJK SC",
    "PingFang SC",
    "Hiragino Sans",
    "Arial Unicode MS",
)


@functools.cache
def families():
    """The fonts of tokens: MONO, then what the system has of the others."""
    known = {font.name for font in font_manager.fontManager.ttflist}
    return [MONO, *(name for name in FALLBACKS if name in known)]


@functools.cache
def _glyphs(family):
    path = font_manager.findfont(family)
    return frozenset(font_manager.get_font(path).get_charmap())


def _visible_character(character):
    mark = MARKS.get(character, character)
    if any(ord(mark) in _glyphs(family) for family in families()):
        if unicodedata.category(mark)[0] not in "CZ":  # control, separator
            return mark
    code = ord(character)
    return f"<0x{code:02X}>" if code < 0x80 else f"<U+{code:04X}>"


def visible(token):
    """A token (str, or bytes as UTF-8) as a text without blanks and control
    characters: " the" becomes "·the"; bytes that are no characters "<0xE2>"."""
    if isinstance(token, bytes):
        try:
            token = token.decode()
        except UnicodeDecodeError:
            return "".join(
                _visible_character(chr(b)) if b < 0x80 else f"<0x{b:02X}>"
                for b in token
            )
    return "".join(map(_visible_character, token)) or "∅"


def columns(text):
    """Width in characters of a typewriter: 2 for those of East Asia."""
    return sum(
        (
            2
            if unicodedata.east_asian_width(x) in "WF"
            else 0 if unicodedata.combining(x) else 1
        )
        for x in text
    )


def fitted(text, width):
    """At most `width` columns; what does not fit is cut off with "…"."""
    if columns(text) <= width:
        return text
    while text and columns(text) > width - 1:
        text = text[:-1]
    return text + "…"


def label(token, width=12):
    """A token for an axis or a cell."""
    return fitted(visible(token), width)
