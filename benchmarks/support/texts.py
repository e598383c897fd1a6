# SPDX-License-Identifier: MIT
"""What the benchmarks read: tiny-shakespeare, and prompts out of it that have
an exact number of tokens.
"""

import functools
import os
import pathlib
import subprocess
import sys

from support.peers import home
from support.record import program


def shakespeare():
    """The file, where the programs look for it; they fetch it if need be."""
    places = [home() / "data" / "tiny-shakespeare.txt"]
    if "MLX_TUTORIAL_DATA" in os.environ:
        folder = pathlib.Path(os.environ["MLX_TUTORIAL_DATA"])
        names = ("tinyshakespeare.txt", "tiny-shakespeare.txt")
        places = [folder / name for name in names] + places
    if not any(path.is_file() for path in places):
        fetch = [program(), "ngram", "--data", "tiny-shakespeare"]
        subprocess.run(fetch, stdout=subprocess.DEVNULL)
    for path in places:
        if path.is_file():
            return path
    sys.exit("expected tiny-shakespeare, but it could not be fetched")


@functools.cache
def prompt(tokens, tokenizer_json):
    """(text, ids): the text gives exactly these ids, `tokens` of them."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tokenizer_json))
    words = shakespeare().read_text(encoding="utf-8").split(" ")
    for first in range(100):  # a cut inside a word may give other tokens
        text = " ".join(words[first : first + tokens])
        end = tokenizer.encode(text).offsets[tokens - 1][1]
        ids = tokenizer.encode(text[:end]).ids
        if len(ids) == tokens:
            return text[:end], ids
    sys.exit(f"found no text of {tokens} tokens")
