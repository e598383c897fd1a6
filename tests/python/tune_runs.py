# SPDX-License-Identifier: MIT
"""A small Llama with a chat template, data, and runs of finetune_llm, for the
tests of fine-tuning. LLM_PROGRAMS and LLM_TEST_TOOLS name the built programs.
"""

import json
import os
import pathlib
import random
import re
import subprocess

os.environ["HF_HUB_OFFLINE"] = "1"  # nothing here may come from the network

import mlx.core as mx
import numpy as np
import pytest
import tokenizers
from mlx.utils import tree_flatten
from mlx_lm.models import llama

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CONFIG = {
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "max_position_embeddings": 512,
    "tie_word_embeddings": True,
}


def program(name):
    variable = "LLM_TEST_TOOLS" if name.endswith("_tool") else "LLM_PROGRAMS"
    path = pathlib.Path(os.environ.get(variable, "")) / name
    if not path.is_file():
        pytest.fail(f"expected {name} in the folder {variable}: build it first")
    return str(path)


def run(name, *args, code=0, **options):
    """Runs it to its end; the exit code must be `code`."""
    done = subprocess.run(
        [program(name), *map(str, args)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        **options,
    )
    assert done.returncode == code, (args, done.returncode, done.stderr[-2000:])
    return done


def tune(*args, code=0, **options):
    return run("finetune_llm", *args, code=code, **options)


def tune_json(*args):
    return json.loads(tune(*args, "--json").stdout.splitlines()[-1])


def refused(done, *words):
    """The one line on standard error, which has all the words."""
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and done.stdout == "", done.stderr
    assert re.match(r"finetune_llm: \[\S+.*\] \S", lines[0])
    for word in words:
        assert word in lines[0], (word, lines[0])
    return lines[0]


def examples(count=40, seed=5):
    """Questions about small sums, answers of different lengths."""
    draw = random.Random(seed)
    rows = []
    for i in range(count):
        a, b = draw.randrange(50), draw.randrange(50)
        long = " That is what one gets." * draw.randrange(4)
        rows.append(
            {
                "prompt": f"What is {a} plus {b}?",
                "completion": f"It is {a + b}, café.{long}",
                "kind": "long" if long else "short",
            }
        )
    return rows


def write_jsonl(path, rows):
    path.write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows),
        encoding="utf-8",
    )
    return path


def make_tokenizer(folder):
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(
        add_prefix_space=False
    )
    made.decoder = tokenizers.decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=special,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = [row["prompt"] + " " + row["completion"] for row in examples()]
    made.train_from_iterator(texts, trainer)
    made.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "<|im_end|>",
        "chat_template": CHATML,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return made.get_vocab_size()


def make_model(folder, **changes):
    """A folder that finetune_llm and mlx-lm load: random weights, larger than a
    fresh model's, so that logits differ clearly."""
    folder.mkdir(parents=True)
    config = {**CONFIG, **changes, "vocab_size": make_tokenizer(folder)}
    (folder / "config.json").write_text(json.dumps(config))
    model = llama.Model(llama.ModelArgs.from_dict(config))
    rng = np.random.default_rng(7)
    weights = {
        name: mx.array(
            rng.normal(0, 0.1, w.shape).astype(np.float32)
            + (1 if w.ndim == 1 else 0)
        )
        for name, w in tree_flatten(model.parameters())
    }
    mx.save_safetensors(
        str(folder / "model.safetensors"), weights, {"format": "mlx"}
    )
    return folder


def our_logits(folder, tokens, tmp_path, *adapter):
    ids, out = tmp_path / "tokens.json", tmp_path / "logits.safetensors"
    ids.write_text(json.dumps(np.asarray(tokens).tolist()))
    run("logits_tool", folder, ids, out, *adapter)
    return np.array(mx.load(str(out))["logits"])


def metrics(folder):
    """(first line, the other lines) of metrics.jsonl."""
    lines = (pathlib.Path(folder) / "metrics.jsonl").read_text().splitlines()
    return json.loads(lines[0]), [json.loads(line) for line in lines[1:]]
