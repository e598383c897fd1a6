# SPDX-License-Identifier: MIT
"""finetune_llm as people use it: every command on a small model, and what it
says when something is wrong: one line, the documented exit code (2 usage, 3
input), and nothing lost."""

import json
import math
import pathlib

import mlx.core as mx
import mlx.nn as nn
import mlx_lm
import numpy as np
import pytest
from tune_runs import (
    examples,
    make_model,
    metrics,
    refused,
    tune,
    tune_json,
    write_jsonl,
)

QUICK = ["--batch", 2, "--max-length", 96, "--layers", -1, "--lr", 1e-3]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a model, data and one trained adapter."""
    home = tmp_path_factory.mktemp("tune")
    make_model(home / "model")
    write_jsonl(home / "data.jsonl", examples())
    train(home, "adapter", "--steps", 30)
    return home


def train(home, out, *options, code=0):
    """A short run; `options` replace those of QUICK."""
    quick = [
        item
        for pair in zip(QUICK[::2], QUICK[1::2])
        for item in pair
        if pair[0] not in options
    ]
    return tune(
        *("train", "--model", home / "model", "--data", home / "data.jsonl"),
        *("--out", home / out, *quick, *options),
        code=code,
    )


def contents(folder):
    return {p.name: p.read_bytes() for p in pathlib.Path(folder).glob("*.*")}


# --- what it does -------------------------------------------------------------


def test_train_says_how_it_went(home):
    done = train(home, "again", "--steps", 30, "--json")
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["steps"] == 30 and said["stopped"] == "finished"
    assert said["after"]["loss"] < 0.8 * said["before"]["loss"]
    assert set(said["after"]["kinds"]) == {"long", "short"}
    assert said["val_loss_full"] == said["after"]["loss"]
    # One rank-8 adapter on q (64 -> 64) and v (64 -> 32) of two layers.
    assert said["trained_parameters"] == 2 * 8 * (64 + 64 + 64 + 32)
    assert "all: " in done.stdout
    first, steps = metrics(home / "again")
    assert first["method"] == "lora" and len(steps) == 30
    assert said["tokens_per_s"] > 0 and said["peak_bytes"] > 0
    names = {p.name for p in (home / "again").iterdir()}
    assert {"adapters.safetensors", "adapter_config.json"} <= names
    # Same seed, same adapter, to the bit.
    a, b = contents(home / "adapter"), contents(home / "again")
    assert a["adapters.safetensors"] == b["adapters.safetensors"]


@pytest.mark.parametrize(
    "options",
    [
        ["--method", "dora", "--dropout", 0.1, "--packing"],
        ["--method", "rslora", "--alpha", 16, "--targets", "*_proj"],
        ["--method", "lora+", "--quantize", 4, "--group-size", 32],
        ["--method", "last", "--layers", 1, "--activation-checkpointing"],
        ["--method", "full", "--accumulate", 2, "--optimizer", "muon"],
    ],
    ids=lambda options: options[1],
)
def test_every_method_learns(home, options):
    out = home / f"method-{options[1]}"
    done = train(home, out.name, "--steps", 25, *options, "--json")
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["after"]["loss"] < 0.9 * said["before"]["loss"]
    config = out / "adapter_config.json"
    if options[1] == "rslora":
        scale = json.loads(config.read_text())["lora_parameters"]["scale"]
        assert scale == pytest.approx(16 / math.sqrt(8))
    assert config.exists() == (options[1] not in ("last", "full"))
    assert (out / "model.safetensors").exists() != config.exists()


def test_resume_goes_on(home):
    train(home, "part", "--steps", 4, "--checkpoint-every", 2)
    (home / "part" / "adapters.safetensors").unlink()
    last = sorted((home / "part" / "checkpoints").iterdir())[-1]
    for file in last.iterdir():
        file.unlink()
    last.rmdir()
    done = train(
        home, "part", "--steps", 4, "--checkpoint-every", 2, "--resume"
    )
    assert "resuming at step 2" in done.stderr
    train(home, "whole", "--steps", 4, "--checkpoint-every", 2)
    name = "adapters.safetensors"
    assert (home / "part" / name).read_bytes() == (
        home / "whole" / name
    ).read_bytes()
    other = train(home, "part", "--steps", 4, "--rank", 4, "--resume", code=3)
    assert "lora/rank was 8 and is 4" in other.stderr


def test_preferences(home, tmp_path):
    pairs = [
        {"prompt": r["prompt"], "chosen": r["completion"], "rejected": "No."}
        for r in examples(30)
    ]
    data = write_jsonl(tmp_path / "pairs.jsonl", pairs)
    said = tune_json(
        *("train", "--model", home / "model", "--adapter", home / "adapter"),
        *("--data", data, "--objective", "dpo", "--out", tmp_path / "dpo"),
        *("--steps", 10, *QUICK),
    )
    assert (
        said["preference_accuracy"] >= 0.9 and said["preference_margin"] > 0.1
    )
    losses = [line["loss"] for line in metrics(tmp_path / "dpo")[1]]
    assert losses[0] == pytest.approx(math.log(2), abs=1e-3)
    done = train(home, "wrong", "--objective", "dpo", code=3)
    assert "preference pairs" in done.stderr


def test_evaluate_examples_is_the_masked_loss(home):
    said = tune_json(
        *("evaluate", "--model", home / "model", "--adapter", home / "adapter"),
        *("--data", home / "data.jsonl", "--chat-format", "chatml"),
    )
    model, tokenizer = mlx_lm.load(
        str(home / "model"), adapter_path=str(home / "adapter")
    )
    nats = tokens = 0
    for row in examples():
        messages = [{"role": "user", "content": row["prompt"]}]
        start = tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_dict=False
        )
        messages += [{"role": "assistant", "content": row["completion"]}]
        ids = tokenizer.apply_chat_template(messages, return_dict=False)
        logits = model(mx.array([ids[:-1]]))
        losses = nn.losses.cross_entropy(logits, mx.array([ids[1:]]))[0]
        nats += losses[len(start) - 1 :].sum().item()
        tokens += len(ids) - len(start)
    assert said["tokens"] == tokens
    assert said["loss"] == pytest.approx(nats / tokens, rel=1e-4)
    assert said["perplexity"] == pytest.approx(math.exp(said["loss"]))
    answers = [row["completion"] + "\n" for row in examples()]
    size = sum(len(a.encode()) for a in answers)
    assert said["bits_per_byte"] == pytest.approx(
        nats / math.log(2) / size, rel=1e-4
    )


def test_evaluate_text_slides(home, tmp_path):
    text = "What is 3 plus 4? It is 7, café. " * 12
    (tmp_path / "text.txt").write_text(text, encoding="utf-8")
    said = tune_json(
        *("evaluate", "--model", home / "model", "--window", 32),
        *("--data", tmp_path / "text.txt"),
    )
    model, tokenizer = mlx_lm.load(str(home / "model"))
    ids = tokenizer.encode(text, add_special_tokens=False)
    nats, done = 0.0, 1
    start = 0
    while done < len(ids):
        window = ids[start : start + 33]
        logits = model(mx.array([window[:-1]]))
        losses = nn.losses.cross_entropy(logits, mx.array([window[1:]]))[0]
        nats += losses[done - start - 1 :].sum().item()
        done, start = start + len(window), start + 16
    assert said["tokens"] == len(ids) - 1
    assert said["loss"] == pytest.approx(nats / (len(ids) - 1), rel=1e-4)
    first = len(tokenizer.decode(ids[:1]).encode())
    assert said["bits_per_byte"] == pytest.approx(
        nats / math.log(2) / (len(text.encode()) - first), rel=1e-4
    )


CHOICES = [
    {
        "ctx": "What is 1 plus 2?",
        "endings": ["It is 3, café.", "x"],
        "label": 0,
    },
    {
        "question": "What is 4 plus 4?",
        "choices": {"text": ["no", "It is 8", "8"], "label": ["A", "B", "C"]},
        "answerKey": "B",
    },
    {
        "question": "Which?",
        "choices": ["one", "a much longer one"],
        "answer": "one",
    },
]


def test_evaluate_choices(home, tmp_path):
    data = write_jsonl(tmp_path / "choices.jsonl", CHOICES)
    said = tune_json("evaluate", "--model", home / "model", "--data", data)
    model, tokenizer = mlx_lm.load(str(home / "model"))
    right = right_norm = 0
    for row, answer in zip(CHOICES, (0, 1, 0)):
        context = row.get("ctx") or f"Question: {row['question']}\nAnswer:"
        choices = row.get("endings") or row["choices"]
        choices = choices["text"] if isinstance(choices, dict) else choices
        given = len(tokenizer.encode(context, add_special_tokens=False))
        scores = []
        for choice in choices:
            ids = tokenizer.encode(
                context + " " + choice, add_special_tokens=False
            )
            logits = model(mx.array([ids[:-1]]))
            loss = nn.losses.cross_entropy(logits, mx.array([ids[1:]]))[0]
            scores.append(-loss[given - 1 :].sum().item())
        norm = [s / len(c) for s, c in zip(scores, choices)]
        right += int(np.argmax(scores)) == answer
        right_norm += int(np.argmax(norm)) == answer
    assert said["questions"] == 3
    assert said["acc"] == pytest.approx(right / 3)
    assert said["acc_norm"] == pytest.approx(right_norm / 3)
    assert said["chance"] == pytest.approx((1 / 2 + 1 / 3 + 1 / 2) / 3)


def test_compare_writes_both_reports(home, tmp_path):
    out = tmp_path / "report"
    options = ["--data", home / "data.jsonl", "--limit", 4, "--max-tokens", 12]
    said = tune_json(
        *("compare", "--model", home / "model", "--out", out),
        *("--adapter-b", home / "adapter", *options),
    )
    assert said["prompts"] == 4 and said["changed"] > 0
    assert said["b"]["loss"] < said["a"]["loss"]
    report = json.loads((out / "compare.json").read_text())
    text = (out / "compare.md").read_text()
    assert len(report["answers"]) == 4
    for answer in report["answers"]:
        assert answer["prompt"] in text
    assert "model + adapter" in text
    again = tune(
        *("compare", "--model", home / "model", "--out", out, *options), code=2
    )
    refused(again, "holds a comparison")


def test_generate_and_answers(home):
    said = tune_json(
        *("generate", "--model", home / "model", "--adapter", home / "adapter"),
        *("--prompt", "What is 1 plus 2?", "--max-tokens", 8),
    )
    assert 1 <= len(said["tokens"]) <= 8
    assert len(said["logprobs"]) == len(said["tokens"])
    said = tune_json(
        *("evaluate", "--model", home / "model", "--adapter", home / "adapter"),
        *("--data", home / "data.jsonl", "--limit", 3, "--answers"),
        *("--max-tokens", 8),
    )
    assert said["answers"] == 3 and 0 <= said["exact_match"] <= 1


def test_epochs_count_the_steps(home):
    done = train(home, "epochs", "--epochs", 0.5, "--eval-every", 0, "--json")
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["steps"] == 9  # half of 36 examples, two in a batch
    rates = [line["lr"] for line in metrics(home / "epochs")[1]]
    assert rates[0] == max(rates) and rates[-1] < 0.3 * rates[0]


def test_validate_reports(home):
    done = train(home, "none", "--validate", "--json")
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["train"]["examples"] == 36
    assert said["validation"]["examples"] == 4
    assert sum(said["train"]["histogram"]) == 36
    assert "longest" in done.stdout
    assert not (home / "none").exists()


def test_peft_files(home, tmp_path):
    tune(
        *("fuse", "--model", home / "model", "--adapter", home / "adapter"),
        *("--peft", "--out", tmp_path / "peft"),
    )
    arrays = mx.load(str(tmp_path / "peft" / "adapter_model.safetensors"))
    name = "base_model.model.model.layers.0.self_attn.v_proj.lora_"
    assert arrays[name + "A.weight"].shape == (8, 64)
    assert arrays[name + "B.weight"].shape == (32, 8)
    config = json.loads((tmp_path / "peft" / "adapter_config.json").read_text())
    assert config["lora_alpha"] == 160 and config["r"] == 8


# --- bad input ----------------------------------------------------------------


@pytest.mark.parametrize(
    "options, words",
    [
        (["--rank", 0], ["--rank"]),
        (["--scale", "nan"], ["--scale"]),
        (["--dropout", 1], ["--dropout"]),
        (["--targets", "q_proj,nothing"], ["nothing", "self_attn.k_proj"]),
        (["--method", "magic"], ["magic"]),
        (["--quantize", 7], ["bits"]),
        (["--quantize", 4, "--group-size", 5], ["group"]),
        (["--quantize", 4, "--method", "full", "--group-size", 32], ["packed"]),
        (["--max-length", 9999], ["512", "9999"]),
        (["--batch", 0], ["--batch"]),
        (["--lr", "nan"], ["lr"]),
        (["--beta", 0], ["--beta"]),
        (["--objective", "dpo", "--packing"], ["--packing"]),
        (["--alpha", -1], ["--alpha"]),
        (["--lora-plus-ratio", 0, "--method", "lora+"], ["lora_b"]),
        (["--epochs", -1], ["--epochs"]),
        (["--max-errors", 0], ["--max-errors"]),
        (["--chat-format", "morse"], ["morse"]),
        (["--out"], ["out"]),
    ],
    ids=str,
)
def test_bad_options(home, options, words):
    done = train(home, "bad", *options, code=2)
    refused(done, *words)
    assert not (home / "bad").exists()


def test_existing_results_are_safe(home):
    before = contents(home / "adapter")
    refused(train(home, "adapter", code=2), "holds an adapter", "--resume")
    refused(train(home, "model", code=2), "holds a model")
    for command in ("fuse", "convert"):
        done = tune(
            *(command, "--model", home / "model", "--out", home / "model"),
            *("--adapter", home / "adapter"),
            code=2,
        )
        refused(done, "holds a model")
    assert contents(home / "adapter") == before


DATA = {
    "field": (b'{"prompt": "a", "completion": 5}\n', [":1:31: completion"]),
    "json": (b'{"text": "a"}\n{"text": \n', [":2:"]),
    "nul": (b'{"text": "a\0"}\n', [":1:12:", "NUL"]),
    "bom": (b'\xef\xbb\xbf{"text": "a"}\n', [":1:1:", "byte order mark"]),
    "empty": (b"", ["expected examples"]),
    "few": (b'{"text": "abc"}\n', ["--batch"]),
}


@pytest.mark.parametrize("name", DATA)
def test_bad_data(home, tmp_path, name):
    data, words = DATA[name]
    (tmp_path / "d.jsonl").write_bytes(data)
    done = tune(
        *("train", "--model", home / "model", "--data", tmp_path / "d.jsonl"),
        *("--out", tmp_path / "out", *QUICK),
        code=3,
    )
    refused(done, *words)
    assert not (tmp_path / "out" / "adapters.safetensors").exists()


def test_data_windows_line_ends_are_fine(home, tmp_path):
    text = (home / "data.jsonl").read_bytes().replace(b"\n", b"\r\n")
    (tmp_path / "d.jsonl").write_bytes(text)
    tune(
        *("train", "--model", home / "model", "--data", tmp_path / "d.jsonl"),
        *("--validate", *QUICK),
    )


def test_adapter_of_another_model(home, tmp_path):
    wide = make_model(tmp_path / "wide", hidden_size=96, head_dim=24)
    done = tune(
        *("generate", "--model", wide, "--adapter", home / "adapter"),
        *("--prompt", "a"),
        code=3,
    )
    refused(done, "another model", "q_proj.lora_a", "(96,8)", "(64,8)")
    done = tune(
        *("generate", "--model", wide, "--adapter", tmp_path / "none"),
        *("--prompt", "a"),
        code=3,
    )
    refused(done, "adapter_config.json")
