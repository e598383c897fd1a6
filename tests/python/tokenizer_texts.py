# SPDX-License-Identifier: MIT
"""What the tests of tokenizers share: the program tokenizer_tool, and texts.

Random strings hold characters that Unicode 14 assigns (Python 3.11 and PCRE2
10.42 both know it). Newer characters are an exception, because each library
has its own Unicode version; with a normal form so are those of UNKNOWN_MARKS
and UNKNOWN_LOOK_ALIKES, which are missing from that library's older tables.
"""

import json
import os
import random
import subprocess
import unicodedata
from pathlib import Path

import pytest

SEED = 20260101
SPECIAL = ["<|endoftext|>", "<|end|>", "<|end|>x"]
LLAMA3_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


class Tool:
    """Speaks with the program `tokenizer_tool`, one JSON object a line."""

    def __init__(self):
        folder = os.environ.get("LLM_TEST_TOOLS")
        if not folder or not (Path(folder) / "tokenizer_tool").is_file():
            pytest.fail(
                "expected the built test tools in LLM_TEST_TOOLS; build them "
                "with: cmake --build BUILD_FOLDER --target tokenizer_tool",
                pytrace=False,
            )
        self.process = subprocess.Popen(
            [str(Path(folder) / "tokenizer_tool")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __call__(self, do, **arguments):
        line = json.dumps({"do": do, **arguments})
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)


def assigned_characters():
    """Characters that Unicode 14 assigns, by first letter of the category."""
    groups = {}
    for code in range(0x110000):
        category = unicodedata.category(chr(code))
        if category not in ("Cn", "Cs", "Co"):
            groups.setdefault(category[0], []).append(chr(code))
    return groups


CHARACTERS = assigned_characters()


def random_string(rng, excluded=frozenset(), special=SPECIAL):
    """Scripts, digits, marks, spaces, signs, contractions and plain words."""
    latin = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    spaces = " \t\n\r\v\f\u0085\u00a0\u1680\u180e\u200b\u2003\u2028\u3000\ufeff"
    emoji = ["👩\u200d👩\u200d👧", "🏳️\u200d🌈", "👍🏽", "🇩🇪", "1️⃣", "😀"]
    pieces = [
        lambda: "".join(rng.choices(latin, k=rng.randint(1, 9))),
        lambda: "".join(rng.choices("0123456789", k=rng.randint(1, 7))),
        lambda: rng.choice("'’")
        + rng.choice(
            ["s", "t", "re", "ve", "m", "ll", "d", "S", "LL", "x", ""]
        ),
        lambda: " " * rng.randint(1, 4),
        lambda: "".join(rng.choices(spaces, k=rng.randint(1, 4))),
        lambda: rng.choice(emoji),
        lambda: "".join(rng.choices('.,;:!?-_()[]{}<>|/\\"#', k=2)),
        lambda: rng.choice([*special, "<|end", "<|", "|>"]),
        lambda: rng.choice("the and ing you that king lord his".split()),
        lambda: "".join(
            rng.choices(
                CHARACTERS[rng.choice("LLLLMMNPSZC")], k=rng.randint(1, 5)
            )
        ),
        lambda: rng.choice("aeoué")
        + "".join(rng.choices(CHARACTERS["M"], k=2)),
    ]
    text = "".join(rng.choice(pieces)() for _ in range(rng.randint(0, 12)))
    return "".join(c for c in text if c not in excluded)


def random_strings(count, seed, excluded=frozenset(), special=SPECIAL):
    rng = random.Random(seed)
    return [random_string(rng, excluded, special) for _ in range(count)]


# Characters that the normalizers of Hugging Face (tables of Unicode 9, 2016) do
# not know: no decomposition, or combining class 0. All are newer than that.
UNKNOWN_MARKS = """
    07FD 0898-089F 08CA-08D3 09FE 0C3C 0D3B-0D3C 0EBA 1715 1ABF-1ACE 1DF6-1DFA
    A82C 10D24-10D27 10EAB-10EAC 10F46-10F50 10F82-10F85 11070 1133B 1145E
    11839-1183A 11938 1193D-1193E 11943 119E0 11A34 11A47 11A99 11D42
    11D44-11D45 11D97 16FF0-16FF1 1E130-1E136 1E2AE 1E2EC-1E2EF"""
UNKNOWN_LOOK_ALIKES = """
    32FF A7F2-A7F4 AB69 10781-10785 10787-107B0 107B2-107BA 1F16C 1FBF0-1FBF9"""


def characters_of(ranges):
    out = set()
    for part in ranges.split():
        first, _, last = part.partition("-")
        out.update(map(chr, range(int(first, 16), int(last or first, 16) + 1)))
    return out


def excluded_from(form):
    if form == "":
        return frozenset()
    look_alikes = UNKNOWN_LOOK_ALIKES if "K" in form else ""
    return frozenset(characters_of(UNKNOWN_MARKS + look_alikes))


def training_text():
    """About 60 KB: words with repetition, several scripts, odd spaces."""
    rng = random.Random(SEED)
    syllables = (
        "ba be bo ka ke ki lo la mi mu na ne pa ro ra sa se ti tu".split()
    )
    words = [
        "".join(rng.choices(syllables, k=rng.randint(1, 4))) for _ in range(800)
    ]
    words += [
        "король",
        "королева",
        "日本語",
        "日本",
        "ελληνικά",
        "naïve",
        "it's",
    ]
    text = []
    for _ in range(9000):
        text.append(words[min(int(rng.expovariate(0.01)), len(words) - 1)])
        text.append(
            rng.choices([" ", ", ", ".\n", "  ", " 12 "], [8, 2, 1, 1, 1])[0]
        )
    return "".join(text)


CODE = [
    "def f(x: int = 0) -> int:\n    return x ** 2  # square\n",
    "for (size_t i = 0; i < n; ++i) {\n\tsum += a[i] * 0x1F;\n}\n",
    '{"key": [1, 2.5e-3, null], "s": "a\\"b"}\r\n',
    "SELECT * FROM t WHERE a >= 10 AND b != 'x';",
    '<div class="a">&nbsp;</div>\n\n\n',
    "$ pip install --no-deps foo==1.2.3 && echo $?\n",
]


def model_texts(count):
    """Texts for a real model's tokenizer: code, scripts, emoji, controls, runs
    of white space, numbers."""
    rng = random.Random(f"{SEED} model")
    names = ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<repo_name>"]
    texts = []
    while len(texts) < count:
        text = random_string(rng, special=names)
        kind = rng.randint(0, 3)
        if kind == 0:
            text += rng.choice(CODE) + random_string(rng)
        elif kind == 1:
            text += rng.choice(" \t\n=-a1") * rng.randint(2, 70)
            text += random_string(rng, special=names)
        texts.append(text)
    return texts
