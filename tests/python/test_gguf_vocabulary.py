# SPDX-License-Identifier: MIT
"""GGUF vocabularies give the tokenizer that they came from."""

import json

import pytest

pytest.importorskip("tokenizers")
from test_tokenizer_families import train  # noqa: E402
from tokenizer_texts import (  # noqa: E402
    SEED,
    Tool,
    random_strings,
    training_text,
)
from tokenizers import Tokenizer  # noqa: E402


@pytest.fixture(scope="module")
def tool():
    tool = Tool()
    yield tool
    tool.close()


@pytest.fixture(scope="module")
def good():
    corpus = training_text()
    return {name: train(name, corpus) for name in ("llama2", "smollm2")}


def gguf_of(data):
    """The vocabulary of a tokenizer.json as GGUF has it."""
    tokens = sorted(data["model"]["vocab"], key=data["model"]["vocab"].get)
    special = {t["content"] for t in data["added_tokens"]}
    types = [
        3 if t in special else 6 if t.startswith("<0x") else 1 for t in tokens
    ]
    merges = [" ".join(pair) for pair in data["model"]["merges"]]
    return {"tokens": tokens, "types": types, "merges": merges}


def test_gguf_with_merges(tool, good, tmp_path):
    data = good["smollm2"]
    vocabulary = {**gguf_of(data), "model": "gpt2", "pre": "smollm"}
    path = tmp_path / "v.json"
    path.write_text(json.dumps({**vocabulary, "bos": 0, "add_bos": True}))
    assert tool("load_gguf", path=str(path)) == {
        "size": len(vocabulary["tokens"])
    }
    texts = random_strings(2000, f"{SEED} gguf")
    theirs = Tokenizer.from_str(json.dumps(data))
    expected = [[0, *theirs.encode(text).ids] for text in texts]
    ours = tool("encode", texts=texts, special=True, add_special=True)["ids"]
    assert ours == expected
    path.write_text(json.dumps({**vocabulary, "pre": "magic"}))
    error = tool("load_gguf", path=str(path))["error"]
    assert "tokenizer.ggml.pre: expected one of gpt-2, gpt2, smollm" in error


def sentencepiece(text, ids, scores):
    """SentencePiece's way, written out: join the best pair, again and again."""
    if not text:
        return []
    symbols = list("▁" + text.replace(" ", "▁"))
    while True:
        best = max(
            (
                (scores[a + b], -i)
                for i, (a, b) in enumerate(zip(symbols, symbols[1:]))
                if a + b in scores
            ),
            default=None,
        )
        if best is None:
            break
        i = -best[1]
        symbols[i : i + 2] = ["".join(symbols[i : i + 2])]
    out = []
    for symbol in symbols:
        known = [ids[symbol]] if symbol in ids else None
        out += known or [ids[f"<0x{b:02X}>"] for b in symbol.encode()]
    return out


def test_gguf_with_scores(tool, good, tmp_path):
    vocabulary = gguf_of(good["llama2"])
    tokens, types = vocabulary["tokens"], vocabulary["types"]
    scores = [-float(i) if t == 1 else 0.0 for i, t in enumerate(types)]
    path = tmp_path / "v.json"
    whole = {"model": "llama", "tokens": tokens, "types": types}
    whole.update(scores=scores, bos=1, eos=2, unk=0, add_eos=True)
    path.write_text(json.dumps(whole))
    assert tool("load_gguf", path=str(path)) == {"size": len(tokens)}
    texts = random_strings(2000, f"{SEED} scores")
    ours = tool("encode", texts=texts)["ids"]
    ids = {t: i for i, t in enumerate(tokens)}
    normal = {t: s for t, s, k in zip(tokens, scores, types) if k == 1}
    assert ours == [sentencepiece(text, ids, normal) for text in texts]
    assert tool("decode", ids=ours)["texts"] == texts
    both = tool("encode", texts=texts, add_special=True)["ids"]
    assert both == [[1, *row, 2] for row in ours]
    # Hugging Face reads what we save and finds the same ids.
    assert tool("save", path=str(tmp_path), max_length=64) == {"ok": True}
    theirs = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    theirs.encode_special_tokens = True
    assert [theirs.encode(text).ids for text in texts] == both
