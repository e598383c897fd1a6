# SPDX-License-Identifier: MIT
"""Makes tests/fuzz/corpus/gguf: small valid files with every type of tensor
and of value. Needs the gguf package (requirements.txt).

    python3 tests/fuzz/make_gguf_corpus.py
"""

import pathlib
import random
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "python"))
from test_gguf_mutants import random_file, whole_file  # noqa: E402


def main():
    folder = HERE / "corpus" / "gguf"
    folder.mkdir(parents=True, exist_ok=True)
    source = random.Random(41)
    kept = []
    while len(kept) < 6:
        file = whole_file(*random_file(source))
        if 300 < len(file) < 1000:
            kept.append(file)
    for number, file in enumerate(kept):
        (folder / f"seed-{number}").write_bytes(file)


main()
