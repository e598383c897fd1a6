# SPDX-License-Identifier: MIT
"""Words that no dictionary knows: English ones come from pyspellchecker, those
of our field from words.txt beside this file. Code, formulas, names (a capital
inside of a sentence or of a word, a digit) and abbreviations are not asked for.
"""

import functools
import pathlib
import re

from pages import Problem

WORDS = pathlib.Path(__file__).with_name("words.txt")
# Letters, with apostrophes inside; not beside digits, _, / or @: names.
WORD = re.compile(r"(?<![\w@/\\.])[^\W\d_]+(?:['’][^\W\d_]+)*(?![\w@/\\])")
BEGIN = re.compile(r"(^|[.!?:])\W*$")
ADDRESS = re.compile(
    r"\S+://\S+|\S+@\S+|\b[\w-]+\.(?:com|org|io|net|md|py|h)\b"
)


@functools.cache
def dictionary():
    """Raises ImportError."""
    from spellchecker import SpellChecker

    return SpellChecker(language="en", distance=1)


@functools.cache
def own_words():
    lines = WORDS.read_text(encoding="utf-8").splitlines()
    return {line.strip() for line in lines if line and line[0] != "#"}


def is_known(word):
    """Also of what was made of known words: tokens', re-run, GPUs."""
    if len(word) < 2 or word.isupper():
        return True
    if word[1:] != word[1:].lower():
        return True  # SmolLM, GPUs, PyTorch
    lower = word.lower().replace("’", "'")
    base = re.sub(r"'(s|re|ve|ll|d|t|m)?$", "", lower)
    known = own_words()
    candidates = {lower, base, word}
    return bool(candidates & known) or any(
        w in dictionary() for w in candidates
    )


def words(page):
    """(line, word) of the text that people read."""
    in_address = False
    for line, token in page.inlines():
        if token.type in ("link_open", "link_close"):
            in_address = token.type == "link_open" and token.info == "auto"
        elif token.type in ("text", "image") and not in_address:
            text = ADDRESS.sub(" ", token.content)
            for match in WORD.finditer(text):
                begins = BEGIN.search(text[: match.start()])
                if begins or match[0][0].islower():
                    yield line, match[0]


def check(page):
    try:
        dictionary()
    except ImportError:
        what = (
            "expected pyspellchecker but it is not installed; run: ./tutorial "
        )
        yield Problem(page.name, 1, what + "start")
        return
    told = set()
    for line, word in words(page):
        if word in told or is_known(word):
            continue
        told.add(word)
        near = sorted(dictionary().candidates(word.lower()) or [])
        near = [w for w in near if w != word.lower()][:3]
        hint = (
            f"did you mean {' or '.join(near)}? If not"
            if near
            else "correct it, or"
        )
        what = f"expected a word but received '{word}'; {hint} add it to "
        yield Problem(page.name, line, what + "scripts/docs/words.txt.")
