# SPDX-License-Identifier: MIT
"""simple_llm from outside: evaluating, sampling, counting, describing."""

import json
import math
import re

import numpy as np
import pytest
from program_runs import Home, last_json
from safetensors.numpy import load_file

EVAL_KEYS = "nats_per_char nats_per_char_sliding bits_per_char bits_per_byte"
EVAL_KEYS += " perplexity tokens windows"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Two models, text-1 and text-2, which is the latest."""
    home = Home(tmp_path_factory.mktemp("use"))
    home.train("--steps", 20, "--seed", 1)
    return home


@pytest.fixture(scope="module")
def second(home):
    """What training text-2 said."""
    return home.train("--steps", 20, "--seed", 2, "--json")


def test_eval_finds_the_text_from_another_folder(home, second, tmp_path):
    """Trained with a relative path, evaluated elsewhere."""
    other = Home(tmp_path)
    other.train("--data", "text.txt", "--steps", 2, cwd=tmp_path)
    here = json.loads(other.run("eval", "--json", cwd=tmp_path).stdout)
    there = json.loads(other.run("eval", "--json", cwd="/").stdout)
    assert here == there


def test_prompt_longer_than_the_context(home, second):
    prompt = home.text.read_text()[:40]  # the context is 16
    said = last_json(
        home.run("sample", "--prompt", prompt, "--max-tokens", 5, "--json")
    )
    assert said["text"].startswith(prompt) and len(said["tokens"]) == 5


def test_eval(home, second):
    done = home.run("eval", "--json")
    said = json.loads(done.stdout)  # nothing but the object
    assert set(EVAL_KEYS.split()) <= set(said)
    assert said == json.loads(
        home.run("eval", "--model", "text-2", "--json").stdout
    )
    assert said != json.loads(
        home.run("eval", "--model", "text-1", "--json").stdout
    )
    # --split val of the corpus it was trained on is what train evaluated.
    trained = last_json(second)
    assert said["nats_per_char"] == pytest.approx(
        trained["val_loss_full"], rel=1e-6
    )
    assert said["nats_per_char_sliding"] == pytest.approx(
        trained["val_loss_sliding"], rel=1e-6
    )
    text = home.text.read_text()
    val = text[int(0.9 * len(text)) :]
    assert said["tokens"] == len(val) - 1
    assert said["windows"] == math.ceil((len(val) - 1) / 16)
    bits = said["bits_per_char"]
    assert bits == pytest.approx(said["nats_per_char"] / math.log(2))
    assert said["perplexity"] == pytest.approx(math.exp(said["nats_per_char"]))
    expected = bits * len(val) / len(val.encode())
    assert said["bits_per_byte"] == pytest.approx(expected, rel=2e-3)


def test_text_is_what_is_learned_from(home, second):
    """Nothing but the text, to the byte; the parts make the whole."""
    whole = home.text.read_text()
    parts = {
        split: home.run("text", "--data", home.text, "--split", split).stdout
        for split in ("train", "val", "all")
    }
    assert parts["train"] == whole[: int(0.9 * len(whole))]
    assert parts["train"] + parts["val"] == parts["all"] == whole


def test_text_wants_to_know_which_part(home):
    done = home.run("text", "--data", home.text, code=2)
    assert "--split" in done.stderr


def test_eval_splits(home, second):
    tokens = {
        split: last_json(home.run("eval", "--split", split, "--json"))["tokens"]
        for split in ("train", "val", "all")
    }
    length = len(home.text.read_text())
    assert tokens["all"] == length - 1
    assert tokens["train"] + tokens["val"] == length - 2


def test_sample(home, second):
    args = ["sample", "--prompt", "Zoë ", "--max-tokens", 30, "--seed", 5]
    done = home.run(*args, "--json")
    said = last_json(done)
    assert {"text", "tokens", "logprobs"} <= set(said)
    assert done.stdout.splitlines(True)[-1].endswith("}\n")
    text = said["text"]
    assert done.stdout == text + "\n" + done.stdout.splitlines()[-1] + "\n"
    assert text.startswith("Zoë ") and len(text) == 4 + 30
    assert len(said["tokens"]) == 30 == len(said["logprobs"])
    assert all(p <= 0 for p in said["logprobs"])
    assert home.run(*args).stdout == text + "\n"
    assert home.run(*args, "--model", "text-2").stdout == text + "\n"
    assert home.run(*args[:-1], 6).stdout != text + "\n"
    # A path names another model; after 20 steps it may write the same text.
    other = last_json(
        home.run(*args, "--model", home.models / "text-1", "--json")
    )
    assert other["logprobs"] != said["logprobs"]


def test_sampling_options_have_an_effect(home, second):
    base = ["sample", "--prompt", "A", "--max-tokens", 40, "--seed", 3]
    greedy = home.run(*base, "--temperature", 0).stdout
    assert home.run(*base, "--temperature", 3).stdout != greedy
    # One candidate left: the same as greedy, whatever the temperature.
    for one in (["--top-k", 1], ["--top-p", 0], ["--min-p", 1]):
        assert home.run(*base, "--temperature", 3, *one).stdout == greedy, one
    assert home.run(*base, "--no-cache", "--temperature", 0).stdout == greedy


def test_max_tokens_0(home, second):
    said = last_json(
        home.run("sample", "--prompt", "A", "--max-tokens", 0, "--json")
    )
    assert said["text"] == "A" and said["tokens"] == []


def test_ngram(home):
    said = json.loads(home.run("ngram", "--data", home.text, "--json").stdout)
    text = home.text.read_text()
    cut = int(0.9 * len(text))
    train, val = text[:cut], text[cut:]
    size = len(set(text))
    assert said["uniform"] == pytest.approx(math.log(size))
    rungs = {}
    for rung in said["ladder"]:
        assert set(rung) == {"model", "n", "k", "val_nats_per_char"}
        rungs[rung["model"], rung["n"]] = rung["val_nats_per_char"]
    unigram = np.mean(
        [-math.log((train.count(c) + 1) / (cut + size)) for c in val]
    )
    assert rungs["add-k", 1] == pytest.approx(unigram, rel=1e-9)
    assert {n for model, n in rungs if model == "witten-bell"} == set(
        range(2, 9)
    )


def test_describe(home, second):
    table = home.run("describe").stdout
    weights = load_file(str(home.models / "text-2/model.safetensors"))
    config = json.loads((home.models / "text-2/config.json").read_text())
    stored = [
        w for n, w in weights.items() if config["bias"] or "bias" not in n
    ]
    count = sum(w.size for w in stored)
    assert str(count) in re.sub(r"(?<=\d)[, ](?=\d{3})", "", table)
    assert "wte" in table and "16" in table
