# SPDX-License-Identifier: MIT
"""Our tokenizers against Hugging Face's `tokenizers`: ids and texts are equal.

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

tokenizers = pytest.importorskip("tokenizers")
from tokenizers import (  # noqa: E402
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    trainers,
)

SEED = 20260101
SPECIAL = ["<|endoftext|>", "<|end|>", "<|end|>x"]
NORMAL_FORMS = ["", "NFC", "NFD", "NFKC", "NFKD"]
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


@pytest.fixture(scope="module")
def tool():
    tool = Tool()
    yield tool
    tool.close()


def assigned_characters():
    """Characters that Unicode 14 assigns, by first letter of the category."""
    groups = {}
    for code in range(0x110000):
        category = unicodedata.category(chr(code))
        if category not in ("Cn", "Cs", "Co"):
            groups.setdefault(category[0], []).append(chr(code))
    return groups


CHARACTERS = assigned_characters()


def random_string(rng, excluded=frozenset()):
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
        lambda: rng.choice(SPECIAL + ["<|end", "<|", "|>"]),
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


def random_strings(count, seed, excluded=frozenset()):
    rng = random.Random(seed)
    return [random_string(rng, excluded) for _ in range(count)]


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
