# SPDX-License-Identifier: MIT
"""The messages that public/docs/troubleshooting.md lists are those of our
programs and scripts: each part between two "..." stands in a source file.
"""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PAGE = ROOT / "public" / "docs" / "troubleshooting.md"
SOURCES = [
    *ROOT.glob("llm/**/*.[ch]*"),
    *ROOT.glob("code/**/*.[ch]*"),
    *ROOT.glob("scripts/**/*.sh"),
    *ROOT.glob("scripts/**/*.py"),
    *ROOT.glob("python/**/*.py"),
    *ROOT.glob("cmake/*.cmake"),
]
# What others say (compilers, conda, the loader) is not ours to keep.
FOREIGN = re.compile(
    r"Please run|conda|Cond|c\+\+:|Could not|error while|TypeError|'mlx"
)
SHORTEST = 6  # letters: shorter parts are in every file


def cells():
    """The code in the first column of each table of messages."""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| `") and not FOREIGN.match(line[3:]):
            cell = re.split(r"(?<!\\)\|", line)[1].strip()
            code = re.match(r"`([^`]+)`", cell)[1]
            yield code.replace("\\|", "|")


def flat(text):
    """Without what breaks a text into lines: C++ and Python put literals side by
    side, a shell escapes the end of the line or begins a new word."""
    text = re.sub(r"\\\n", "", text)
    text = re.sub(r'"\s*\n\s*f?"', "", text)  # "a " "b"
    text = re.sub(r'" \\?\s*\n?\s*"', " ", text)  # words of the shell
    return text.replace('\\"', '"')


@pytest.fixture(scope="module")
def said():
    texts = (path.read_text(encoding="utf-8") for path in SOURCES)
    text = "\n".join(flat(t) for t in texts)
    return re.sub(r"\s+", " ", text)


def parts(message):
    """What is the same in each case; [Where] is written apart."""
    place = re.match(r"\[([\w %]+)\] ", message)
    rest = message[place.end() :] if place else message
    found = [part.strip(" '") for part in rest.split("...")]
    return place and place[1], [p for p in found if len(p) >= SHORTEST]


def test_the_page_lists_messages():
    assert len(list(cells())) > 60


@pytest.mark.parametrize("message", list(cells()))
def test_it_is_a_message_of_ours(message, said):
    place, same = parts(message)
    if place:
        assert f'"{place}"' in said or f"[{place}]" in said, place
    for part in same:
        assert part in said, part
