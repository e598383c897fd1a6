# SPDX-License-Identifier: MIT
"""SmolLM2's tokenizer out of its GGUF file: the ids are llama.cpp's (a golden
file) and those of a `tokenizers` pipeline of Digits and ByteLevel.

Needs the model, 98 MB that are fetched; without a network the test skips.
"""

import hashlib
import json
import unicodedata
from pathlib import Path

import pytest

pytest.importorskip("tokenizers")
from smollm2 import gguf_file  # noqa: E402
from tokenizer_texts import Tool, model_texts  # noqa: E402
from tokenizers import (  # noqa: E402
    Tokenizer,
    decoders,
    models,
    pre_tokenizers,
)

GOLDEN = Path(__file__).resolve().parents[1] / "golden/smollm2_tokens.json"
# Bytes for which SmolLM2 has no token: these characters are dropped, as by the
# others. (The rest of such bytes is in no character that Unicode 14 assigns.)
NO_TOKEN = "\x04\x06\x13\x14\x16\x1d"


@pytest.fixture(scope="module")
def vocabulary():
    gguf = pytest.importorskip("gguf")
    fields = gguf.GGUFReader(gguf_file()).fields

    def get(name):
        return fields[f"tokenizer.{name}"].contents()

    return {
        "model": get("ggml.model"),
        "pre": get("ggml.pre"),
        "tokens": get("ggml.tokens"),
        "types": [int(t) for t in get("ggml.token_type")],
        "merges": get("ggml.merges"),
        "bos": int(get("ggml.bos_token_id")),
        "eos": int(get("ggml.eos_token_id")),
        "add_bos": get("ggml.add_bos_token"),
        "add_space_prefix": get("ggml.add_space_prefix"),
        "chat_template": get("chat_template"),
    }


@pytest.fixture(scope="module")
def tool(vocabulary, tmp_path_factory):
    path = tmp_path_factory.mktemp("smollm2") / "vocabulary.json"
    path.write_text(json.dumps(vocabulary))
    tool = Tool()
    assert tool("load_gguf", path=str(path)) == {"size": 49152}
    yield tool
    tool.close()


def pipeline(vocabulary):
    vocab = {token: i for i, token in enumerate(vocabulary["tokens"])}
    merges = [tuple(line.split(" ")) for line in vocabulary["merges"]]
    theirs = Tokenizer(models.BPE(vocab, merges))
    theirs.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    theirs.decoder = decoders.ByteLevel()
    return theirs


@pytest.fixture(scope="module")
def encoded(tool):
    if unicodedata.unidata_version != "14.0.0":
        pytest.skip("the texts need Python 3.11's tables, Unicode 14")
    texts = model_texts(20_000)
    return texts, tool("encode", texts=texts)["ids"]


def test_ids_are_those_of_llama_cpp(encoded):
    texts, ids = encoded
    golden = json.loads(GOLDEN.read_text())
    assert golden["texts"] == len(texts)
    for (text, expected), ours, same in zip(golden["first"], ids, texts):
        assert (text, expected) == (same, ours)
    digest = hashlib.sha256(json.dumps(ids).encode()).hexdigest()
    assert digest == golden["sha256_of_ids"]


def test_ids_are_those_of_the_pipeline(encoded, vocabulary):
    texts, ids = encoded
    theirs = pipeline(vocabulary)
    for text, ours, reference in zip(texts, ids, theirs.encode_batch(texts)):
        assert ours == reference.ids, text


def test_decoding_inverts_encoding(encoded, tool):
    texts, ids = encoded
    drop = str.maketrans("", "", NO_TOKEN)
    expected = [text.translate(drop) for text in texts]
    assert sum(a != b for a, b in zip(texts, expected)) < len(texts) // 50
    assert tool("decode", ids=ids)["texts"] == expected


def test_what_is_saved_reads_back(encoded, tool, tmp_path):
    texts, ids = encoded
    assert tool("save", path=str(tmp_path), max_length=2048) == {"ok": True}
    theirs = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    theirs.encode_special_tokens = True
    for ours, reference in zip(ids[:4000], theirs.encode_batch(texts[:4000])):
        assert ours == reference.ids


def test_chat_template(vocabulary):
    pytest.importorskip("jinja2")
    import test_chat_templates as chats

    chat = chats.Tool()
    for messages in chats.CONVERSATIONS:
        for prompt in (False, True):
            variables = {"messages": messages, "add_generation_prompt": prompt}
            theirs, ours = chats.both(
                chat, vocabulary["chat_template"], variables
            )
            assert ours == theirs
            assert ours is not None
    chat.process.stdin.close()
