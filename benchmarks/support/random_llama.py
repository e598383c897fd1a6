# SPDX-License-Identifier: MIT
"""Model folders with random weights in bfloat16, for measuring speed: the shapes
of SmolLM2-135M and of Llama 3.2 1B, with SmolLM2's tokenizer. Packed ones are
what `finetune_llm convert` makes of them, and what mlx-lm reads too.
"""

import json
import shutil
import subprocess
import sys

from support import smollm2
from support.record import program

SHAPES = {
    "smollm2": {
        "vocab_size": 49152,
        "hidden_size": 576,
        "intermediate_size": 1536,
        "num_hidden_layers": 30,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "head_dim": 64,
        "rope_theta": 100000.0,
        "max_position_embeddings": 8192,
    },
    "llama-1b": {
        "vocab_size": 128256,
        "hidden_size": 2048,
        "intermediate_size": 8192,
        "num_hidden_layers": 16,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 64,
        "rope_theta": 500000.0,
        "max_position_embeddings": 131072,
    },
}
BITS = {"bf16": None, "q8": 8, "q4": 4}


def weights(shape):
    """[(name, array shape)] of the matrices, and the names of the norms."""
    C, F = shape["hidden_size"], shape["intermediate_size"]
    D = shape["head_dim"]
    Q, K = (shape[f"num_{x}_heads"] * D for x in ("attention", "key_value"))
    matrices = [("model.embed_tokens.weight", (shape["vocab_size"], C))]
    norms = ["model.norm.weight"]
    for i in range(shape["num_hidden_layers"]):
        layer = f"model.layers.{i}."
        for name, size in (
            ("self_attn.q_proj", (Q, C)),
            ("self_attn.k_proj", (K, C)),
            ("self_attn.v_proj", (K, C)),
            ("self_attn.o_proj", (C, Q)),
            ("mlp.gate_proj", (F, C)),
            ("mlp.up_proj", (F, C)),
            ("mlp.down_proj", (C, F)),
        ):
            matrices.append((f"{layer}{name}.weight", size))
        for name in ("input_layernorm", "post_attention_layernorm"):
            norms.append(f"{layer}{name}.weight")
    return matrices, norms


def write(path, shape):
    import mlx.core as mx

    matrices, norms = weights(shape)
    keys = mx.random.split(mx.random.key(0), len(matrices))
    arrays = {
        name: (0.02 * mx.random.normal(size, key=key)).astype(mx.bfloat16)
        for key, (name, size) in zip(keys, matrices)
    }
    for name in norms:
        arrays[name] = mx.ones(shape["hidden_size"], mx.bfloat16)
    mx.save_safetensors(
        str(path / "model.safetensors"), arrays, {"format": "mlx"}
    )
    config = {
        **shape,
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "rms_norm_eps": 1e-5,
        "tie_word_embeddings": True,
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "torch_dtype": "bfloat16",
    }
    (path / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    for file in smollm2.folder("q4").glob("tokenizer*.json"):
        shutil.copy(file, path / file.name)


def folder(name, precision):
    """Made once, in the home's cache/bench."""
    plain = smollm2.cache() / f"random-{name}-bf16"
    if not (plain / "config.json").is_file():
        plain.mkdir(exist_ok=True)
        write(plain, SHAPES[name])
    if BITS[precision] is None:
        return plain
    path = smollm2.cache() / f"random-{name}-{precision}"
    if not (path / "config.json").is_file():
        command = [program("finetune_llm"), "convert", "--model", str(plain)]
        command += ["--quantize", str(BITS[precision]), "--out", str(path)]
        done = subprocess.run(command, stdout=subprocess.DEVNULL)
        if done.returncode != 0:
            sys.exit(f"finetune_llm convert ended with {done.returncode}")
    return path
