# SPDX-License-Identifier: MIT
"""Runs of generate for the tests, on small random models in the format that
everyone reads: a Llama of two layers and a byte-level BPE of 300 tokens that
knows ChatML's marks."""

import json
import os
import pathlib
import subprocess

import numpy as np
from program_runs import program
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>"
    "\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% endif %}"
)
MARKS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
WORDS = "The cat sat on the mat. user system assistant Zoë saw 12 cats.\n"
CONFIG = {
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 32,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "tie_word_embeddings": True,
}


def write_tokenizer(folder, vocab=300, text=WORDS * 20, marks=MARKS):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab,
        special_tokens=marks,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([text], trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    if "<|im_start|>" in marks:
        config = {"eos_token": "<|im_end|>", "chat_template": CHATML}
        (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return tokenizer


def write_model(folder, seed=0, context=512, scale=0.15, eos=None, **tokenizer):
    """A folder with random weights; `scale` decides how surely it speaks."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True)
    size = write_tokenizer(folder, **tokenizer).get_vocab_size()
    config = {**CONFIG, "vocab_size": size, "max_position_embeddings": context}
    if eos is not None:
        (folder / "generation_config.json").write_text(
            json.dumps({"eos_token_id": eos})
        )
    (folder / "config.json").write_text(json.dumps(config))
    random = np.random.default_rng(seed)
    shapes = {"embed_tokens.weight": (size, 64), "norm.weight": (64,)}
    for i in range(2):
        shapes |= {
            f"layers.{i}.{name}.weight": shape
            for name, shape in {
                "input_layernorm": (64,),
                "post_attention_layernorm": (64,),
                "self_attn.q_proj": (64, 64),
                "self_attn.k_proj": (32, 64),
                "self_attn.v_proj": (32, 64),
                "self_attn.o_proj": (64, 64),
                "mlp.gate_proj": (96, 64),
                "mlp.up_proj": (96, 64),
                "mlp.down_proj": (64, 96),
            }.items()
        }
    weights = {
        f"model.{name}": (
            np.ones(shape, np.float32)
            if len(shape) == 1
            else random.normal(0, scale, shape).astype(np.float32)
        )
        for name, shape in shapes.items()
    }
    save_file(weights, str(folder / "model.safetensors"))
    return folder


def str_or_bytes(value):
    return value if isinstance(value, bytes) else str(value)


def run(*args, code=0, **options):
    """Runs generate to its end; the exit code must be `code`."""
    done = subprocess.run(
        [program("generate"), *(os.fsencode(str_or_bytes(a)) for a in args)],
        **{
            "stdin": subprocess.DEVNULL,
            "capture_output": True,
            "text": True,
            "timeout": 300,
            **options,
        },
    )
    assert done.returncode == code, (args, done.returncode, done.stderr[-2000:])
    return done


def said(*args, **options):
    """What a run with --json prints: one object, nothing else."""
    return json.loads(run(*args, "--json", **options).stdout)


def refused(*args, code, words=()):
    """It ends with one line on standard error and nothing else."""
    done = run(*args, code=code)
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("generate: ")
    for word in words:
        assert word in done.stderr, (word, done.stderr)
