# SPDX-License-Identifier: MIT
"""Writes smollm2_tokens.json: what llama.cpp's tokenizer makes of 20,000 texts.

    python make_smollm2_tokens.py SmolLM2-135M-Instruct.Q4_1.gguf

Needs llama-cpp-python (made with 0.3.36) and Python 3.11, whose Unicode tables
are version 14. The texts come from a seed (tests/python/tokenizer_texts.py), so
the file has the hash of all ids, and the first 200 texts with their ids.
"""

import hashlib
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
from llama_cpp import Llama  # noqa: E402
from tokenizer_texts import model_texts  # noqa: E402

SHOWN = 200


def main():
    model = Llama(sys.argv[1], vocab_only=True, verbose=False)
    texts = model_texts(20_000)
    ids = [
        model.tokenize(text.encode(), add_bos=False, special=False)
        for text in texts
    ]
    digest = hashlib.sha256(json.dumps(ids).encode()).hexdigest()
    golden = {
        "texts": len(texts),
        "sha256_of_ids": digest,
        "first": list(zip(texts[:SHOWN], ids)),
    }
    path = Path(__file__).with_name("smollm2_tokens.json")
    path.write_text(json.dumps(golden, ensure_ascii=True) + "\n")


main()
