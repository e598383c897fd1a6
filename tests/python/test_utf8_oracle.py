# SPDX-License-Identifier: MIT
"""Our UTF-8 decoder against CPython's: same errors, same replacement."""

import codecs
import os
import pathlib
import random
import struct
import subprocess

import pytest

BUILD = "./tutorial test builds it and sets LLM_TEST_TOOLS to its folder"


def tool(name):
    """The path of a program of tests/tools."""
    folder = os.environ.get("LLM_TEST_TOOLS")
    if not folder:
        pytest.fail(f"LLM_TEST_TOOLS is not set; {BUILD}")
    path = pathlib.Path(folder) / name
    if not path.is_file():
        pytest.fail(f"there is no {path}; {BUILD}")
    return str(path)


def answers(texts):
    records = b"".join(struct.pack("<I", len(t)) + t for t in texts)
    done = subprocess.run(
        [tool("utf8_tool")], input=records, capture_output=True, timeout=300
    )
    assert done.returncode == 0, done.stderr.decode()
    lines = done.stdout.decode("ascii").splitlines()
    assert len(lines) == len(texts)
    return lines


def expected(text):
    try:
        text.decode("utf-8")
        error = "valid"
    except UnicodeDecodeError as e:
        error = f"{e.start} {e.end - e.start} {e.reason}"
    replaced = text.decode("utf-8", "replace").encode("utf-8")
    stream = codecs.getincrementaldecoder("utf-8")("replace")
    streamed = "".join(stream.decode(text[i : i + 1]) for i in range(len(text)))
    streamed += stream.decode(b"", final=True)
    return f"{error}\t{replaced.hex()}\t{streamed.encode('utf-8').hex()}"


def check(texts):
    wrong = [
        (text, got, expected(text))
        for text, got in zip(texts, answers(texts))
        if got != expected(text)
    ]
    assert not wrong, f"{len(wrong)} differ, the first ones: {wrong[:5]}"


def test_all_strings_of_one_and_two_bytes():
    texts = [b""] + [bytes([a]) for a in range(256)]
    texts += [bytes([a, b]) for a in range(256) for b in range(256)]
    check(texts)


def test_all_three_and_four_byte_sequences_at_their_limits():
    edges = [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF]
    leads = [0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF]
    leads += [0xF0, 0xF1, 0xF3, 0xF4, 0xF5]
    texts = [
        bytes([lead, a, b, c])
        for lead in leads
        for a in edges
        for b in edges
        for c in edges
    ]
    check(texts)


def test_random_strings():
    source = random.Random(20240229)
    characters = "aé€😀\n\u0000\ufffd\ud7ff\ue000\U0010ffff"
    texts = []
    for _ in range(100_000):
        if source.random() < 0.5:
            text = bytes(source.choices(range(256), k=source.randrange(12)))
        else:  # almost valid: more of the decoder is reached
            text = "".join(source.choices(characters, k=source.randrange(6)))
            text = bytearray(text.encode("utf-8"))
            for _ in range(source.randrange(3)):
                if text:
                    place = source.randrange(len(text))
                    if source.random() < 0.5:
                        del text[place]
                    else:
                        text[place] = source.randrange(256)
            text = bytes(text)
        texts.append(text)
    check(texts)
