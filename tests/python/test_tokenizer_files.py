# SPDX-License-Identifier: MIT
"""Files of tokenizers: what Hugging Face refuses we refuse, and hostile
ones end soon."""

import copy
import json
import multiprocessing
import random
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import pytest

pytest.importorskip("tokenizers")
from test_tokenizer_families import train  # noqa: E402
from tokenizer_texts import (  # noqa: E402
    SEED,
    Tool,
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


def model(**changes):
    return lambda data: data["model"].update(changes)


def vocab(**changes):
    return lambda data: data["model"]["vocab"].update(changes)


def merge(entry):
    return lambda data: data["model"]["merges"].insert(1, entry)


def part(name, value):
    return lambda data: data.update({name: value})


def regex(pattern):
    split = {"pattern": {"Regex": pattern}, "behavior": "Isolated"}
    return part("pre_tokenizer", {"type": "Split", "invert": False, **split})


def added(**changes):
    return lambda data: data["added_tokens"][0].update(changes)


# Edits of llama2's file: (path that our error names, edit). "both" refuse.
BOTH = [
    ("model.merges[1]", merge(["zzzz", "b"])),
    ("model.merges[1]", merge(["b", "zzzz"])),
    ("model.merges[1]", merge(["▁", "<0x41>"])),  # the union is no token
    ("model.merges[1]", merge("b")),
    ("model.merges[1]", merge(["a", "b", "c"])),
    ("model.merges[1][0]", merge([1, 2])),
    ("model.merges", model(merges=None)),
    ('model.vocab["a"]', vocab(a=-1)),
    ('model.vocab["a"]', vocab(a=2**32)),
    ('model.vocab["a"]', vocab(a="7")),
    ("model.vocab", model(vocab=[])),
    ("model.unk_token", model(unk_token=5)),
    ("model.byte_fallback", model(byte_fallback="yes")),
    ("added_tokens[0].id", added(id=-1)),
    ("added_tokens[0].special", added(special="no")),
    ("normalizer.type", part("normalizer", {"type": "Magic"})),
    ("decoder.type", part("decoder", {"type": "Magic"})),
    ("post_processor.type", part("post_processor", {"type": "Magic"})),
    ("pre_tokenizer.pattern.Regex", regex("(a")),
    ("pre_tokenizer.pattern.Regex", regex("[z-a]")),
    ("pre_tokenizer.pattern.Regex", regex("*")),
    (
        "pre_tokenizer.behavior",
        part(
            "pre_tokenizer",
            {
                "type": "Split",
                "pattern": {"String": " "},
                "behavior": "Magic",
                "invert": False,
            },
        ),
    ),
    ("model.continuing_subword_prefix", model(continuing_subword_prefix="#")),
]
# Accepted by Hugging Face, refused here because ids or text would be lost.
OURS_ONLY = [
    ('model.vocab["b"]', lambda d: vocab(b=d["model"]["vocab"]["a"])(d)),
    ('model.vocab["b"]', vocab(b=10**6)),  # a hole
    ("model.unk_token", model(unk_token="<none>")),
    ("model.dropout", model(dropout=0.5)),
    ("added_tokens[0].content", added(content="x" * 2000)),
    (
        "model.vocab",
        lambda d: d["model"]["vocab"].update(
            {"<0x4>": d["model"]["vocab"].pop("<0x41>")}
        ),
    ),
    ("decoder", part("decoder", None)),
    (
        "post_processor.single[0].SpecialToken.id",
        part(
            "post_processor",
            {
                "type": "TemplateProcessing",
                "single": [
                    {"SpecialToken": {"id": "<x>", "type_id": 0}},
                    {"Sequence": {"id": "A", "type_id": 0}},
                ],
                "pair": [],
                "special_tokens": {},
            },
        ),
    ),
]


def load_theirs(path):
    try:
        Tokenizer.from_file(path)
        return None
    except BaseException as error:  # a panic is no Exception
        return str(error)


class Loader:
    """Loads files with Hugging Face's library in another process, because some
    of them end it (huggingface/tokenizers#2094)."""

    def __init__(self):
        self.pool = None

    def __call__(self, path):
        self.pool = self.pool or ProcessPoolExecutor(
            1, mp_context=multiprocessing.get_context("spawn")
        )
        try:
            return self.pool.submit(load_theirs, path).result(timeout=60)
        except BrokenProcessPool:
            self.pool = None
            return "the process ended"


loader = Loader()


def errors(tool, data, path):
    path.write_text(json.dumps(data))
    return loader(str(path)), tool("load", path=str(path)).get("error")


@pytest.mark.parametrize("number", range(len(BOTH)))
def test_both_refuse(tool, good, tmp_path, number):
    key_path, edit = BOTH[number]
    data = copy.deepcopy(good["llama2"])
    edit(data)
    theirs, ours = errors(tool, data, tmp_path / "t.json")
    assert theirs is not None
    assert ours is not None and f" {key_path}: " in ours, ours
    assert "\n" not in ours


@pytest.mark.parametrize("number", range(len(OURS_ONLY)))
def test_only_we_refuse(tool, good, tmp_path, number):
    key_path, edit = OURS_ONLY[number]
    data = copy.deepcopy(good["llama2"])
    edit(data)
    theirs, ours = errors(tool, data, tmp_path / "t.json")
    assert theirs is None, theirs
    assert ours is not None and f" {key_path}: " in ours, ours


def test_random_damage_is_refused_by_us_when_by_them(tool, good, tmp_path):
    """Values replaced at random places: we never accept what they refuse."""
    rng = random.Random(SEED)
    accepted = refused = 0
    small = copy.deepcopy(good["llama2"])
    small["model"]["merges"] = small["model"]["merges"][:3]

    def places(value, path=()):
        items = (
            value.items()
            if isinstance(value, dict)
            else enumerate(value) if isinstance(value, list) else []
        )
        for key, inner in items:
            if path != ("model", "vocab") or rng.random() < 0.005:
                yield (*path, key)
                yield from places(inner, (*path, key))

    odd = [None, True, -1, 0, 1.5, "", "a", "<s>", [], {}, [[]], 2**40]
    paths = list(places(small))
    for _ in range(400):
        data = copy.deepcopy(small)
        *path, last = rng.choice(paths)
        inner = data
        for key in path:
            inner = inner[key]
        inner[last] = rng.choice(odd)
        theirs, ours = errors(tool, data, tmp_path / "t.json")
        if theirs is not None:
            # We read the template for one text only, by its ids.
            unread = {"type_id", "tokens", "pair", "special_tokens"}
            if not unread & {*path, last}:
                assert ours is not None, (path, last, inner[last], theirs)
            refused += 1
        accepted += theirs is None
    assert accepted > 40 and refused > 100


def test_a_million_added_tokens(tool, good, tmp_path):
    data = good["llama2"]
    size = len(data["model"]["vocab"])
    # Written by hand: a million dicts take longer than what is tested.
    token = json.dumps(dict(data["added_tokens"][0], id="ID", content="TEXT"))
    token = token.replace('"ID"', "%d").replace("TEXT", "<%d>")
    start, end = json.dumps({**data, "added_tokens": ["HERE"]}).split('"HERE"')
    path = tmp_path / "t.json"
    path.write_text(
        start + ",".join(token % (size + i, i) for i in range(10**6)) + end
    )
    start = time.monotonic()
    assert tool("load", path=str(path)) == {"size": size + 10**6}
    ids = tool("encode", texts=["<999999>" * 1000], special=True)["ids"][0]
    assert ids == [size + 999999] * 1000
    assert time.monotonic() - start < 60  # it is a second or two


def test_deep_files(tool, tmp_path):
    path = tmp_path / "t.json"
    for text in ("[" * 10**5, '{"a":' * 10**5):
        path.write_text(text)
        assert "error" in tool("load", path=str(path))
