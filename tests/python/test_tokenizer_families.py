# SPDX-License-Identifier: MIT
"""The tokenizer pipelines of the model families, each with a small vocabulary
that Hugging Face's `tokenizers` trains: its ids and texts are ours.
"""

import json

import pytest

pytest.importorskip("tokenizers")
from tokenizers import Tokenizer, models, trainers  # noqa: E402
from tokenizer_families import FAMILIES, byte_level  # noqa: E402
from tokenizer_texts import (  # noqa: E402
    SEED,
    Tool,
    excluded_from,
    random_strings,
    training_text,
)

COUNT = 5000  # strings of each family
EXACT = set(FAMILIES) - {  # decode(encode(text)) is text
    "gpt2-prefix-space",  # gets a space
    "qwen2",  # is composed
    "metaspace-always",  # loses spaces and unknown characters
    "metaspace-never",
    "mistral-metaspace",  # loses one space where a text begins with it
}


@pytest.fixture(scope="module")
def tool():
    tool = Tool()
    yield tool
    tool.close()


@pytest.fixture(scope="module")
def corpus():
    return training_text()


def train(family, corpus):
    """A tokenizer.json of the family, with 900 tokens or so."""
    special, parts, options = FAMILIES[family]
    theirs = Tokenizer(models.BPE())
    data = json.loads(theirs.to_str())
    data.update(parts, post_processor=None)
    data.setdefault("decoder", None)
    theirs = Tokenizer.from_str(json.dumps(data))
    bytes_only = "decoder" not in parts
    trainer = trainers.BpeTrainer(
        vocab_size=900,
        special_tokens=special,
        show_progress=False,
        initial_alphabet=(
            sorted(map(chr, BYTE_ALPHABET)) if bytes_only else []
        ),
    )
    theirs.train_from_iterator([corpus], trainer)
    data = json.loads(theirs.to_str())
    vocab = data["model"]["vocab"]
    if options.get("byte_fallback"):
        for byte in range(256):
            vocab[f"<0x{byte:02X}>"] = len(vocab)
    if bytes_only:
        data["decoder"] = byte_level()
    post = json.loads(json.dumps(parts.get("post_processor")))
    for step in (post or {}).get("processors", [post]):
        for name, entry in (step or {}).get("special_tokens", {}).items():
            entry.update(ids=[vocab[name]], tokens=[name])
    data["post_processor"] = post
    data["model"].update(options)
    return data


def differences(tool, theirs, texts, special, add_special=False):
    theirs.encode_special_tokens = not special
    answer = tool(
        "encode", texts=texts, special=special, add_special=add_special
    )
    assert "error" not in answer, answer
    reference = [
        theirs.encode(text, add_special_tokens=add_special).ids
        for text in texts
    ]
    decoded = tool("decode", ids=answer["ids"])["texts"]
    expected = [theirs.decode(i, skip_special_tokens=False) for i in reference]
    streamed = tool("stream", ids=answer["ids"])["texts"]
    wrong = [
        row
        for row in zip(
            texts, answer["ids"], reference, decoded, streamed, expected
        )
        if row[1] != row[2] or row[3] != row[5] or row[4] != row[5]
    ]
    return wrong, decoded


BYTE_ALPHABET = [
    c for c in range(0x21, 0x144) if c not in range(0x7F, 0xA1) and c != 0xAD
]


@pytest.mark.parametrize("family", FAMILIES)
def test_family(tool, corpus, tmp_path, family):
    data = train(family, corpus)
    # An added token of each kind beside the special ones.
    size = len(data["model"]["vocab"])
    kinds = [
        ("<kind>", dict(special=False)),
        ("<left>", dict(lstrip=True)),
        ("<right>", dict(rstrip=True, special=False)),
        ("word", dict(single_word=True, special=False)),
        ("<norm>", dict(normalized=True)),
        ("  ", dict(special=False)),
    ]
    for i, (content, flags) in enumerate(kinds):
        token = dict(data["added_tokens"][0], id=size + i, content=content)
        data["added_tokens"].append({**token, **flags})
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(data))
    theirs = Tokenizer.from_file(str(path))
    assert "error" not in tool("load", path=str(path))
    form = (data["normalizer"] or {}).get("type", "")
    excluded = excluded_from(form if form.startswith("NF") else "")
    names = [content for content, _ in kinds] + FAMILIES[family][0]
    count = COUNT // 5 if family.startswith("split-") else COUNT
    texts = random_strings(count, f"{SEED} {family}", excluded, names)
    for special in (True, False):
        half = texts[::2] if special else texts[1::2]
        wrong, decoded = differences(tool, theirs, half, special)
        assert wrong == []
        if family in EXACT and not special:
            # Llama 2 puts a space behind every added token.
            exact = [
                (text, again)
                for text, again in zip(half, decoded)
                if not any(name in text for name, _ in kinds)
            ]
            assert len(exact) > count / 8
            assert [pair for pair in exact if pair[0] != pair[1]] == []
    wrong, _ = differences(tool, theirs, texts[:500], True, add_special=True)
    assert wrong == []
    # What we save is the same tokenizer, for them too.
    assert tool("save", path=str(tmp_path), max_length=128) == {"ok": True}
    again = json.loads(Tokenizer.from_file(str(path)).to_str())
    assert again == json.loads(Tokenizer.from_str(json.dumps(data)).to_str())
