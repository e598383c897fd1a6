# SPDX-License-Identifier: MIT
"""A folder that simple_llm saves is one that other libraries read.

Trains each preset for a few steps, loads the folder in mlx-lm and in Hugging
Face transformers and compares logits, token ids and greedy text.
"""

import json
import math
import os
import random

os.environ["HF_HUB_OFFLINE"] = "1"  # nothing here may come from the network

import mlx.core as mx
import mlx_lm
import numpy as np
import pytest
import tokenizers
import transformers
from model_folders import (
    LOGITS,
    distance,
    mlx_logits,
    our_logits,
    run,
    torch_logits,
)

STEPS = 3
QUICK = ["--batch", "2", "--eval-batches", "1"]
RUNS = {
    "tiny": ["--preset", "tiny", *QUICK],
    "nano": ["--preset", "nano", *QUICK],
    "shakespeare": ["--preset", "shakespeare", *QUICK],
    "llama": ["--preset", "shakespeare", "--architecture", "llama", *QUICK],
}


def run_json(*args):
    return json.loads(
        run("simple_llm", *args, "--json").stdout.splitlines()[-1]
    )


def small_text():
    """Sentences from a few words: about 16,000 characters, some not ASCII.

    mlx_lm.load encodes "a ,b" to try the tokenizer, so a corpus of characters
    without one of these four cannot be loaded there; this one has them.
    """
    choice = random.Random(7).choice
    who, did = ["The fox", "Bob, a baker,", "Zoë", "An owl"], [
        "saw",
        "lost",
        "kept",
    ]
    what = ["a café", "the moon", "nothing", "two keys", "its name"]
    lines = [f"{choice(who)} {choice(did)} {choice(what)}." for _ in range(700)]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module", params=RUNS)
def trained(request, tmp_path_factory):
    """(folder, what train said on standard error, text)."""
    base = tmp_path_factory.mktemp(request.param)
    text = small_text()
    (base / "text.txt").write_text(text, encoding="utf-8")
    done = run(
        *(
            "simple_llm",
            "train",
            *RUNS[request.param],
            "--data",
            base / "text.txt",
        ),
        *("--steps", STEPS, "--eval-every", 0, "--sample-every", 0),
        *("--out", base / "model", "--seed", 1, "--json"),
    )
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["steps"] == STEPS and math.isfinite(said["val_loss_full"])
    return base / "model", done.stderr, text


def window(folder, text, rows=2, length=48):
    """Token ids [rows, length] of the text, by Hugging Face tokenizers."""
    encoder = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    ids = encoder.encode(text, add_special_tokens=False).ids
    assert len(ids) >= rows * length
    return np.array(ids[: rows * length]).reshape(rows, length)


def config_of(folder):
    return json.loads((folder / "config.json").read_text())


def test_folder_is_complete(trained):
    folder, _, _ = trained
    for name in (
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "README.md",
    ):
        assert (folder / name).stat().st_size > 0
    encoder = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert encoder.get_vocab_size() <= config_of(folder)["vocab_size"]


def test_tokenizer_in_transformers(trained):
    folder, _, text = trained
    encoder = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    auto = transformers.AutoTokenizer.from_pretrained(folder)
    expected = encoder.encode(text, add_special_tokens=False).ids
    assert auto.encode(text, add_special_tokens=False) == expected
    assert auto.decode(expected) == text


def test_logits_in_mlx_lm(trained, tmp_path):
    folder, stderr, text = trained
    tokens = window(folder, text)
    model, _ = mlx_lm.load(str(folder))
    gap = distance(
        our_logits(folder, tokens, tmp_path), mlx_logits(model, tokens)
    )
    config = config_of(folder)
    if (
        config["model_type"] == "gpt2"
        and config["activation_function"] != "gelu_new"
    ):
        # mlx-lm's gpt2 always uses the tanh form; who saves has to know.
        assert "mlx-lm" in stderr
        assert gap < 0.05
    else:
        assert gap < LOGITS


def test_logits_in_transformers(trained, tmp_path):
    folder, _, text = trained
    tokens = window(folder, text)
    theirs = torch_logits(folder, tokens)
    assert distance(our_logits(folder, tokens, tmp_path), theirs) < LOGITS


def test_eval_is_the_mean_loss_of_the_logits(trained, tmp_path):
    """eval's number from its definition: windows of the model's context that
    do not overlap. The text has one character more than ten windows need."""
    folder, _, text = trained
    config = config_of(folder)
    context = config.get("n_positions", config.get("max_position_embeddings"))
    part = tmp_path / "part.txt"
    part.write_text(text[: 10 * context + 1], encoding="utf-8")
    said = run_json("eval", "--model", folder, "--data", part, "--split", "all")
    encoder = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    ids = np.array(encoder.encode(text[: 10 * context + 1]).ids)
    logits = mx.array(
        our_logits(folder, ids[:-1].reshape(10, context), tmp_path)
    )
    targets = mx.array(ids[1:].reshape(10, context, 1))
    right = mx.take_along_axis(logits, targets, axis=-1).squeeze(-1)
    expected = mx.mean(mx.logsumexp(logits, axis=-1) - right).item()
    assert said["nats_per_char"] == pytest.approx(expected, rel=1e-5)
    assert said["bits_per_char"] == pytest.approx(
        expected / math.log(2), rel=1e-5
    )


def test_greedy_sample_is_the_largest_logit(trained, tmp_path):
    folder, _, _ = trained
    said = run_json(
        *("sample", "--model", folder, "--prompt", "The fox"),
        *("--max-tokens", 20, "--temperature", 0, "--seed", 1),
    )
    encoder = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    prompt = encoder.encode("The fox", add_special_tokens=False).ids
    tokens = said["tokens"]
    assert 1 <= len(tokens) <= 20 and len(said["logprobs"]) == len(tokens)
    logits = mx.array(our_logits(folder, [prompt + tokens], tmp_path))[0]
    for i, (token, logprob) in enumerate(zip(tokens, said["logprobs"])):
        row = logits[len(prompt) + i - 1]
        assert row[token].item() >= row.max().item() - 1e-4
        expected = (row[token] - mx.logsumexp(row)).item()
        assert logprob == pytest.approx(expected, abs=1e-3)
