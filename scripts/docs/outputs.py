# SPDX-License-Identifier: MIT
"""What a block printed against what the page shows. Text must be equal (spaces
may be more or fewer), numbers be near, and a line `...` stands for any lines.
"""

import functools
import re

REL = 0.02  # numbers may differ by 2 %
# Whole numbers, decimals, with commas between thousands; not inside of a word
# (q4_0), not part of 0.32.4, which is text.
NUMBER = re.compile(
    r"(?<![\w.])[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?"
    r"(?![\d]|\.\d)"
    r"|(?<![\w.])[-+]?\.\d+|(?<![\w.])-?(?:nan|inf)(?!\w)"
)
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
LONGEST = 60  # lines that are written into a page


def cleaned(said):
    """As a terminal leaves it: no colours, and of a line that overwrites itself
    what it was at the end."""
    lines = ESCAPE.sub("", said).replace("\r\n", "\n").split("\n")
    return "\n".join(l.rstrip("\r").rpartition("\r")[2].rstrip() for l in lines)


def compare(shown, said, rel=REL, shape=False):
    """None, or (index of the line of `shown`, what is wrong)."""
    shown, said = lines_of(shown), lines_of(said)
    furthest = [0, 0]  # where the best attempt stopped

    @functools.cache
    def match(i, j):
        if [i, j] > furthest:
            furthest[:] = i, j
        if i == len(shown):
            return j == len(said)
        if shown[i].strip() == "...":
            return any(match(i + 1, k) for k in range(j, len(said) + 1))
        near = j < len(said) and same_line(shown[i], said[j], rel, shape)
        return near and match(i + 1, j + 1)

    if match(0, 0):
        return None
    i, j = furthest
    wanted = f"'{shown[i].strip()}'" if i < len(shown) else "the end"
    received = f"'{said[j].strip()}'" if j < len(said) else "the end"
    return i, f"expected {wanted} but received {received}"


def lines_of(text):
    lines = [line.rstrip() for line in text.strip("\n").split("\n")]
    return lines if lines != [""] else []


def same_line(shown, said, rel, shape):
    a, b = split(shown), split(said)
    if len(a) != len(b):
        return False
    for index, (x, y) in enumerate(zip(a, b)):
        if index % 2 == 0:
            if squeezed(x) != squeezed(y):
                return False
        elif not shape and not is_near(x, y, rel):
            return False
    return True


def split(line):
    """[text, number, text, ..., text]"""
    parts, end = [], 0
    for match in NUMBER.finditer(line):
        parts += [line[end : match.start()], match[0]]
        end = match.end()
    return [*parts, line[end:]]


def squeezed(text):
    """Columns move when a number has a digit more."""
    return " ".join(text.split())


def is_near(x, y, rel):
    x, y = (float(n.replace(",", "")) for n in (x, y))
    if x == y or (x != x and y != y):
        return True
    return abs(x - y) <= rel * max(abs(x), abs(y))


def for_page(said):
    """The text that a page shows of an output, its middle left out if long."""
    lines = lines_of(said)
    if len(lines) > LONGEST:
        half = LONGEST // 2
        lines = [*lines[:half], "...", *lines[-half:]]
    return "".join(f"{line}\n" for line in lines)
