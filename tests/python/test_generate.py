# SPDX-License-Identifier: MIT
"""generate from outside: one text, many, and everything that must not change
what is written. mlx-lm, on the same folder, is the reference."""

import json

import mlx.core as mx
import numpy as np
import pytest
from generate_runs import MARKS, refused, run, said, write_model
from mlx_lm.utils import load_model
from tokenizers import Tokenizer

PROMPT = "The cat sat on"
GREEDY = ["--temperature", 0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("generate") / "model")


@pytest.fixture(scope="module")
def tokenizer(folder):
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def reference(folder, ids, n):
    """Greedy tokens of mlx-lm and the log probabilities of every step."""
    model, _ = load_model(folder)
    ids, start, steps = list(ids), len(ids), []
    for _ in range(n):
        logits = model(mx.array([ids]))[0, -1].astype(mx.float32)
        steps.append(np.array(logits - mx.logsumexp(logits)))
        ids.append(int(steps[-1].argmax()))
    return ids[start:], steps


def test_raw_greedy_is_what_mlx_lm_writes(folder, tokenizer):
    base = ["--model", folder, "--prompt", PROMPT, "--raw", *GREEDY]
    args = [*base, "--ignore-eos", "--max-tokens", 40]
    out = said(*args, "--top-logprobs", 3)
    prompt = tokenizer.encode(PROMPT).ids
    tokens, steps = reference(folder, prompt, 40)
    assert out["tokens"] == tokens
    assert out["prompt_tokens"] == len(prompt)
    assert out["finish_reason"] == "length"
    assert out["text"] == tokenizer.decode(tokens, skip_special_tokens=False)
    chosen = [step[token] for step, token in zip(steps, tokens)]
    assert out["logprobs"] == pytest.approx(chosen, abs=1e-4)
    for step, top in zip(steps, out["top_logprobs"]):
        best = sorted(step, reverse=True)[:3]
        assert [t["logprob"] for t in top["raw"]] == pytest.approx(
            best, abs=1e-4
        )
        assert [t["logprob"] for t in top["final"]] == [0]  # greedy
    for key in "prefill_tokens_per_s decode_tokens_per_s peak_bytes".split():
        assert out[key] > 0, key
    assert run(*args).stdout == out["text"] + "\n"


def test_the_chat_format(folder, tokenizer):
    args = ["--model", folder, "--prompt", PROMPT, *GREEDY, "--max-tokens", 20]
    chat = (
        "<|im_start|>system\nBe brief.<|im_end|>\n"
        f"<|im_start|>user\n{PROMPT}<|im_end|>\n<|im_start|>assistant\n"
    )
    out = said(*args, "--system", "Be brief.")
    assert out["prompt_tokens"] == len(tokenizer.encode(chat).ids)
    same = said("--model", folder, "--prompt", chat, "--raw", *args[4:])
    assert same["tokens"] == out["tokens"]
    assert said(*args)["prompt_tokens"] < out["prompt_tokens"]


def test_a_model_without_a_chat_format_goes_on(tmp_path):
    base = write_model(tmp_path / "base", marks=MARKS[:1])
    args = ["--model", base, "--prompt", PROMPT, *GREEDY, "--max-tokens", 9]
    assert said(*args)["tokens"] == said(*args, "--raw")["tokens"]
    assert "note: " in run(*args).stderr and run(*args, "--raw").stderr == ""


def test_end_tokens_and_stop_texts(folder, tmp_path):
    args = ["--prompt", PROMPT, "--raw", *GREEDY, "--max-tokens", 30]
    plain = said("--model", folder, *args)
    fifth = plain["tokens"][5]
    ends = write_model(tmp_path / "ends", eos=[297, fifth])
    out = said("--model", ends, *args)
    first = plain["tokens"].index(fifth)
    assert out["tokens"] == plain["tokens"][: first + 1]
    assert out["finish_reason"] == "eos"
    on = said("--model", ends, *args, "--ignore-eos")
    assert (
        on["tokens"][:30] == plain["tokens"] and on["finish_reason"] == "length"
    )
    stop = plain["text"][9:12]
    cut = said("--model", folder, *args, "--stop", stop)
    assert cut["text"] == plain["text"][: plain["text"].index(stop)]
    assert cut["finish_reason"] == "stop"


def test_sampling_depends_on_the_seed(folder):
    args = ["--model", folder, "--prompt", PROMPT, "--max-tokens", 20]
    first = said(*args, "--seed", 1)["tokens"]
    assert said(*args, "--seed", 1)["tokens"] == first
    assert said(*args, "--seed", 2)["tokens"] != first
    one = said(*args, "--temperature", 2, "--top-k", 1)["tokens"]
    assert one == said(*args, *GREEDY)["tokens"]


def test_many_side_by_side(folder, tmp_path):
    prompts = ["The", "Zoë saw 12 cats.\nThe", "a mat and " * 8, "x"]
    listed = tmp_path / "prompts.json"
    listed.write_text(json.dumps(prompts))
    args = ["--model", folder, "--raw", *GREEDY, "--max-tokens", 16]
    for rows in (4, 2):
        many = said(*args, "--prompts", listed, "--rows", rows)["results"]
        assert len(many) == 4
        for prompt, result in zip(prompts, many):
            single = said(*args, "--prompt", prompt)
            for key in "text tokens prompt_tokens finish_reason".split():
                assert result[key] == single[key]
    lines = tmp_path / "prompts.txt"
    lines.write_bytes(b"The\r\nx\n")
    shown = run(*args, "--prompts", lines).stdout
    one = said(*args, "--prompts", lines, "--top-logprobs", 1)["results"][0]
    assert [t["raw"][0]["id"] for t in one["top_logprobs"]] == one["tokens"]
    assert shown.startswith("--- The\n" + many[0]["text"] + "\n--- x\n")


def test_guessing_ahead_changes_nothing(folder, tmp_path):
    args = ["--model", folder, "--prompt", PROMPT * 3, "--raw", *GREEDY]
    args += ["--max-tokens", 60]
    plain = said(*args)
    for drafter in (["--prompt-lookup"], ["--draft-model", folder]):
        out = said(*args, *drafter)
        assert out["tokens"] == plain["tokens"]
        assert 0 < out["accepted"] <= out["drafted"]
    assert out["accepted"] > 40  # the same model: nearly all are right
    other = write_model(tmp_path / "other", text="something else entirely")
    refused(*args, "--draft-model", other, code=2, words=["[draft model]"])


def test_caches(folder):
    args = ["--model", folder, "--prompt", PROMPT * 4, "--raw", *GREEDY]
    args += ["--max-tokens", 40]
    plain = said(*args)
    assert said(*args, "--max-kv-size", 200)["tokens"] == plain["tokens"]
    assert said(*args, "--prefill-chunk", 3)["tokens"] == plain["tokens"]
    assert said(*args, "--max-kv-size", 8)["tokens"] != plain["tokens"]
    eight = said(*args, "--cache-bits", 8)
    assert eight["logprobs"][0] == pytest.approx(plain["logprobs"][0], abs=0.05)
    assert said(*args, "--cache-bits", 4)["logprobs"] != plain["logprobs"]


def test_prompt_cache(folder, tmp_path):
    cache = tmp_path / "read.safetensors"
    args = ["--model", folder, "--raw", *GREEDY, "--max-tokens", 8]
    long = "The cat sat on the mat. " * 10
    plain = said(*args, "--prompt", long + "Zoë")
    first = said(*args, "--prompt", long, "--prompt-cache", cache)
    assert first["cached_tokens"] == 0
    second = said(*args, "--prompt", long + "Zoë", "--prompt-cache", cache)
    assert second["cached_tokens"] > 50
    assert second["tokens"] == plain["tokens"]
    args += ["--prompt", long, "--prompt-cache", cache]
    refused(*args, "--max-kv-size", 99, code=3, words=["window 0"])
    kept = cache.read_bytes()
    other = write_model(tmp_path / "other", seed=1)
    words = [str(cache), "belongs to another model"]
    refused("--model", other, *args[2:], code=3, words=words)
    refused(*args[:-1], folder / "model.safetensors", code=3)
    assert cache.read_bytes() == kept


def test_tokenize_file(folder, tokenizer, tmp_path):
    texts = ["", "The cat", "  Zoë\n\t世界 🙂\u0000", "it's 12345 <|im_end|>"]
    file = tmp_path / "texts.json"
    file.write_text(json.dumps(texts))
    out = said("--model", folder, "--tokenize-file", file)
    plain = [tokenizer.encode(text).ids for text in texts[:3]]
    assert out["tokens"][:3] == plain
    # A mark in a text of the user's is text.
    assert tokenizer.token_to_id("<|im_end|>") not in out["tokens"][3]
    shown = run("--model", folder, "--tokenize-file", file).stdout
    assert [json.loads(x) for x in shown.splitlines()] == out["tokens"]


def test_a_prompt_beyond_the_context(tmp_path):
    model = write_model(tmp_path / "short", context=24)
    args = ["--model", model, "--raw"]
    words = ["[prompt]", "at most 24 tokens", "received 100"]
    refused(*args, "--prompt", "\x01" * 100, code=2, words=words)
    many = tmp_path / "many.json"
    many.write_text(json.dumps(["x", "\x01" * 100]))
    refused(*args, "--prompts", many, code=2, words=words)
    out = said(*args, "--prompt", "\x01" * 20, "--ignore-eos")
    assert out["finish_reason"] == "length" and len(out["tokens"]) == 5


def test_grammar(folder, tmp_path):
    grammar = tmp_path / "answer.gbnf"
    grammar.write_text('root ::= ("yes" | "no") ", " [α-ω]{3}\n')
    args = ["--model", folder, "--prompt", "Well?", "--grammar", grammar]
    for seed in range(4):
        out = said(*args, "--seed", seed)
        answer, letters = out["text"].split(", ")
        assert answer in ("yes", "no") and out["finish_reason"] == "stop"
        assert len(letters) == 3 and all("α" <= c <= "ω" for c in letters)
    assert said(*args, "--max-tokens", 2)["finish_reason"] == "length"
    grammar.write_text('root ::= "yes" | maybe\n')
    words = ["answer.gbnf] 1:18: the rule maybe is not defined"]
    refused(*args, code=3, words=words)


@pytest.mark.parametrize(
    "args, code, words",
    [
        (["--max-tokens", -1], 2, ["--max-tokens from 0"]),
        (["--temperature", -1], 2, ["temperature", "-1"]),
        (["--top-p", 2], 2, ["top-p", "from 0 to 1"]),
        (["--cache-bits", 3], 2, ["--cache-bits 4 or 8", "3"]),
        (["--max-kv-size", -2], 2, ["--max-kv-size", "-2"]),
        (["--top-logprobs", 1000], 2, ["--top-logprobs from 0 to 100"]),
        (["--draft-tokens", 0], 2, ["--draft-tokens from 1 to 64"]),
        (["--seed", "x"], 2, ["--seed"]),
        (["--stop", ""], 2, ["stop strings"]),
        (["--nonsense"], 2, ["--nonsense", "generate --help"]),
        (["--prompts", "x"], 2, ["--prompts without --prompt"]),
        (["--prompt-lookup", "--draft-model", "x"], 2, ["--prompt-lookup"]),
        (["--model", "no-such-model"], 3, ["no-such-model"]),
        (["--draft-model", "no-such-model"], 3, ["no-such-model"]),
        (["--grammar", "/none.gbnf"], 3, ["/none.gbnf"]),
        (["--json-schema", "/none.json"], 3, ["/none.json"]),
    ],
)
def test_bad_options(folder, args, code, words):
    base = ["--model", folder, "--prompt", "x"]
    refused(*base[2 * ("--model" in args) :], *args, code=code, words=words)


def test_bad_files(folder, tmp_path):
    model = ["--model", folder]
    file = tmp_path / "bad.json"
    for text, words in [
        ("[1]", ["a JSON list of texts"]),
        ('["a"', ["bad.json", "1:"]),
        ('{"a": "b"}', ["a JSON list of texts"]),
        ("null", ["a JSON list of texts"]),
        ('["\\ud800"]', ["bad.json"]),
    ]:
        file.write_text(text)
        refused(*model, "--tokenize-file", file, code=3, words=words)
    refused(*model, "--prompt", b"caf\xe9", code=3, words=["UTF-8"])
    file.write_bytes(b"\xff\xfe")
    refused(*model, "--prompts", file, code=3, words=["UTF-8"])
    file.write_text('{"type": "integer", "minimum": 3}')
    words = ["bad.json] #: the keyword", "minimum"]
    args = [*model, "--prompt", "x", "--json-schema", file]
    refused(*args, code=3, words=words)
    assert MARKS[0] in (folder / "tokenizer.json").read_text()


def test_help_shows_examples():
    text = run("--help").stdout
    assert "Examples:" in text and "--json-schema" in text
