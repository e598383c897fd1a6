# SPDX-License-Identifier: MIT
"""Our tokenizers against Hugging Face's `tokenizers`: equal ids, equal texts."""

import json
import random
import unicodedata

import pytest

pytest.importorskip("tokenizers")
from tokenizers import (  # noqa: E402
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    trainers,
)
from tokenizer_texts import (  # noqa: E402
    CHARACTERS,
    LLAMA3_PATTERN,
    SEED,
    SPECIAL,
    Tool,
    excluded_from,
    random_strings,
    training_text,
)

NORMAL_FORMS = ["", "NFC", "NFD", "NFKC", "NFKD"]


@pytest.fixture(scope="module")
def tool():
    tool = Tool()
    yield tool
    tool.close()


def train_theirs(text, vocab_size, special, form="", pattern=None):
    theirs = Tokenizer(models.BPE())
    if form:
        theirs.normalizer = getattr(normalizers, form)()
    theirs.pre_tokenizer = pre_tokenizers.ByteLevel(
        add_prefix_space=False, use_regex=pattern is None
    )
    if pattern is not None:
        split = pre_tokenizers.Split(Regex(pattern), "isolated")
        theirs.pre_tokenizer = pre_tokenizers.Sequence(
            [split, theirs.pre_tokenizer]
        )
    theirs.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=special,
        show_progress=False,
    )
    theirs.train_from_iterator([text], trainer)
    return theirs


def saved(tool, folder):
    assert tool("save", path=str(folder), max_length=128) == {"ok": True}
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def differences(tool, theirs, texts, special):
    """(text, ours, theirs) where ids differ; also checks decoding."""
    theirs.encode_special_tokens = not special
    ours = tool("encode", texts=texts, special=special)["ids"]
    reference = [theirs.encode(text).ids for text in texts]
    wrong = [t for t in zip(texts, ours, reference) if t[1] != t[2]]
    decoded = tool("decode", ids=ours)["texts"]
    expected = [theirs.decode(i, skip_special_tokens=False) for i in reference]
    wrong += [t for t in zip(texts, decoded, expected) if t[1] != t[2]]
    return wrong


@pytest.fixture(scope="module")
def corpus():
    return training_text()


@pytest.mark.parametrize(
    "pattern", [None, LLAMA3_PATTERN], ids=["gpt2", "llama3"]
)
@pytest.mark.parametrize("vocab_size", [300, 700, 5000])
def test_training_gives_the_same_file(
    tool, corpus, tmp_path, vocab_size, pattern
):
    # 5000 is more than this text has pairs for: both stop early.
    arguments = {} if pattern is None else {"pattern": pattern}
    tool(
        "train",
        kind="bpe",
        text=corpus,
        vocab_size=vocab_size,
        special_tokens=SPECIAL,
        **arguments,
    )
    ours = json.loads(saved(tool, tmp_path).to_str())
    theirs = train_theirs(corpus, vocab_size, SPECIAL, pattern=pattern)
    assert ours == json.loads(theirs.to_str())
    size = min(vocab_size, theirs.get_vocab_size())
    assert len(ours["model"]["vocab"]) == size


@pytest.mark.parametrize("letters", ["a", "ab", "abc"])
def test_training_on_few_letters(tool, tmp_path, letters):
    # Pairs of equal letters overlap, and many counts are equal.
    rng = random.Random(SEED)
    words = [
        "".join(rng.choices(letters, k=rng.randint(1, 14))) for _ in range(500)
    ]
    text = " ".join(words)
    tool("train", kind="bpe", text=text, vocab_size=1000, special_tokens=[])
    ours = json.loads(saved(tool, tmp_path).to_str())
    theirs = json.loads(train_theirs(text, 1000, []).to_str())
    assert ours == theirs


def test_a_merge_that_makes_a_special_token(tool, tmp_path):
    # The ligature is no special token, but its normal form spells one.
    text = "\ufb01nd \ufb01x " * 3
    tool(
        "train",
        kind="bpe",
        text=text,
        vocab_size=260,
        special_tokens=["fi"],
        normal_form="NFKC",
    )
    ours = saved(tool, tmp_path)
    theirs = train_theirs(text, 260, ["fi"], form="NFKC")
    assert json.loads(ours.to_str()) == json.loads(theirs.to_str())
    assert ["f", "i"] in json.loads(ours.to_str())["model"]["merges"]
    assert differences(tool, ours, [text, "fi\ufb01", "of fix"], True) == []


@pytest.mark.parametrize("form", NORMAL_FORMS)
def test_bpe_on_random_strings(tool, corpus, tmp_path, form):
    tool(
        "train",
        kind="bpe",
        text=corpus,
        vocab_size=900,
        special_tokens=SPECIAL,
        normal_form=form,
    )
    theirs = saved(tool, tmp_path)
    # 10,000 strings without a normal form, 10,000 with one.
    count = 5000 if form == "" else 1250
    for special in (True, False):
        texts = random_strings(
            count, f"{SEED} {form} {special}", excluded_from(form)
        )
        assert differences(tool, theirs, texts, special) == []


def test_other_patterns_on_random_strings(tool, corpus, tmp_path):
    for pattern in [LLAMA3_PATTERN, r"\s+|\S+", r"[^\s]", r"(?=\p{Lu})|\d{2}"]:
        result = tool(
            "train", kind="bpe", text=corpus, vocab_size=600, pattern=pattern
        )
        assert "error" not in result
        texts = random_strings(500, f"{SEED} {pattern}")
        assert differences(tool, saved(tool, tmp_path), texts, True) == []


@pytest.mark.parametrize("form", NORMAL_FORMS[1:])
def test_normal_forms_of_every_character(tool, form):
    # Against Python, which knows Unicode 14: no exception is needed.
    texts = []
    for group in CHARACTERS.values():
        for character in group:
            if unicodedata.normalize(form, character) != character:
                texts.append(character)
            if unicodedata.combining(character):
                texts.append(f"e\u0315{character}\u0323\u0301{character}")
    expected = [unicodedata.normalize(form, text) for text in texts]
    assert tool("normalize", texts=texts, normal_form=form)["texts"] == expected


def test_any_ids_decode_alike(tool, corpus, tmp_path):
    # Random tokens are mostly not UTF-8: U+FFFD must stand in the same places.
    size = tool("train", kind="bpe", text=corpus, vocab_size=400)["size"]
    theirs = saved(tool, tmp_path)
    rng = random.Random(SEED)
    lists = [
        rng.choices(range(size), k=rng.randint(0, 20)) for _ in range(2000)
    ]
    expected = [theirs.decode(ids, skip_special_tokens=False) for ids in lists]
    assert tool("decode", ids=lists)["texts"] == expected
    assert tool("stream", ids=lists)["texts"] == expected


def test_char_on_random_strings(tool, tmp_path):
    rng = random.Random(SEED)
    alphabet = "\n\r\t '\"\\\u0301\u200d\x00é日😀" + "".join(
        rng.choices(CHARACTERS["L"] + CHARACTERS["M"] + CHARACTERS["C"], k=60)
    )
    size = tool("train", kind="char", text=alphabet)["size"]
    assert size == len(set(alphabet))
    theirs = saved(tool, tmp_path)
    assert theirs.get_vocab() == {
        c: i for i, c in enumerate(sorted(set(alphabet)))
    }
    texts = [
        "".join(rng.choices(alphabet, k=rng.randint(0, 30)))
        for _ in range(2000)
    ]
    assert differences(tool, theirs, texts, False) == []
    ids = tool("encode", texts=texts)["ids"]
    assert tool("decode", ids=ids)["texts"] == texts


def test_char_names_unknown_characters(tool):
    tool("train", kind="char", text="abc ")
    message = tool("encode", texts=["a caf\u00e9 \u65e5"])["error"]
    assert "'f' (U+0066), 'é' (U+00E9), '日' (U+65E5)" in message
    assert 'the model knows: " abc"' in message


@pytest.mark.parametrize("kind", ["char", "bpe"])
def test_transformers_loads_the_folder(tool, tmp_path, kind):
    transformers = pytest.importorskip("transformers")
    text = "It's a test:\n two  lines , and\tmore. "
    tool("train", kind=kind, text=text * 5, vocab_size=280)
    saved(tool, tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    theirs = transformers.AutoTokenizer.from_pretrained(str(tmp_path))
    assert theirs.model_max_length == 128
    assert theirs.eos_token == ("<|endoftext|>" if kind == "bpe" else None)
    ids = tool("encode", texts=[text])["ids"][0]
    assert theirs(text)["input_ids"] == ids
    assert theirs.decode(ids) == text


def damaged_files(good):
    """Edits of a good tokenizer.json, each with the path our error must name."""
    edits = [
        (
            "model.merges[2]",
            lambda j: j["model"]["merges"].insert(2, ["zzz", "a"]),
        ),
        (
            "model.merges[1]",
            lambda j: j["model"]["merges"].insert(1, ["a", "!"]),
        ),
        ("model.merges[0]", lambda j: j["model"]["merges"].insert(0, "a  b")),
        ("model.merges[0]", lambda j: j["model"]["merges"].insert(0, ["a"])),
        ("model.merges", lambda j: j["model"].update(merges=7)),
        ('model.vocab["a"]', lambda j: j["model"]["vocab"].update(a=-1)),
        ('model.vocab["a"]', lambda j: j["model"]["vocab"].update(a="1")),
        ('model.vocab["a"]', lambda j: j["model"]["vocab"].update(a=1.5)),
        ("model.vocab", lambda j: j["model"].update(vocab=[])),
        ("model.type", lambda j: j["model"].update(type="Nothing")),
        ("decoder.type", lambda j: j["decoder"].update(type="Nothing")),
        ("normalizer.type", lambda j: j.update(normalizer={"type": "Nothing"})),
        (
            "added_tokens[0].special",
            lambda j: j["added_tokens"][0].update(special=1),
        ),
        ("added_tokens[0].id", lambda j: j["added_tokens"][0].update(id=-5)),
        ("added_tokens", lambda j: j.update(added_tokens={})),
        (
            "pre_tokenizer.pretokenizers[0].pattern.Regex",
            lambda j: j.update(
                pre_tokenizer={
                    "type": "Sequence",
                    "pretokenizers": [
                        {
                            "type": "Split",
                            "pattern": {"Regex": "(a"},
                            "behavior": "Isolated",
                            "invert": False,
                        },
                        dict(j["pre_tokenizer"], use_regex=False),
                    ],
                }
            ),
        ),
    ]
    for path, edit in edits:
        copy = json.loads(good)
        edit(copy)
        yield path, json.dumps(copy)


def test_what_they_refuse_we_refuse(tool, tmp_path):
    tool("train", kind="bpe", text="the cat and the hat " * 9, vocab_size=265)
    saved(tool, tmp_path)
    good = (tmp_path / "tokenizer.json").read_text()
    path = tmp_path / "damaged.json"
    for key_path, text in damaged_files(good):
        path.write_text(text)
        with pytest.raises(Exception):
            Tokenizer.from_file(str(path))
        assert f" {key_path}: " in tool("load", path=str(path))["error"]
