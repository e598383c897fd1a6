# SPDX-License-Identifier: MIT
"""Writes ropes.json: what transformers makes of scaled rotary positions.

A list of {config, head_dim, context, inv_freq, magnitude}: `config` as in a
config.json, inv_freq the angle by which each pair turns from one position to
the next, `magnitude` what cosine and sine are multiplied by.
"""

import json
import pathlib

from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

LLAMA3 = dict(low_freq_factor=1.0, high_freq_factor=4.0)
CASES = [
    dict(rope_type="linear", factor=2.5),
    dict(type="linear", factor=4.0),  # the older word
    dict(rope_type="llama3", factor=8.0, **LLAMA3),
    dict(
        rope_type="llama3",
        factor=32.0,
        original_max_position_embeddings=512,
        **LLAMA3
    ),
    dict(rope_type="yarn", factor=4.0),
    dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=512),
    dict(
        rope_type="yarn",
        factor=16.0,
        beta_fast=20.0,
        beta_slow=2.0,
        attention_factor=1.25,
        original_max_position_embeddings=128,
    ),
    dict(
        rope_type="yarn",
        factor=16.0,
        mscale=1.0,
        mscale_all_dim=0.7,
        truncate=False,
        original_max_position_embeddings=256,
    ),
    dict(rope_type="yarn", factor=None, original_max_position_embeddings=1024),
]


def expected(rope, theta, head_dim, context, key):
    config = {"max_position_embeddings": context, key: rope}
    if key == "rope_parameters":
        config[key] = {**rope, "rope_theta": theta}
    else:
        config["rope_theta"] = theta
    theirs = LlamaConfig(
        hidden_size=2 * head_dim,
        num_attention_heads=2,
        **json.loads(json.dumps(config))  # they change it
    )
    kind = rope.get("rope_type") or rope.get("type")
    inv_freq, magnitude = ROPE_INIT_FUNCTIONS[kind](theirs, "cpu")
    return {
        "config": config,
        "head_dim": head_dim,
        "context": context,
        "inv_freq": inv_freq.tolist(),
        "magnitude": magnitude,
    }


out = []
for rope in CASES:
    for key in ("rope_parameters", "rope_scaling"):
        out.append(expected(rope, 10000.0, 32, 2048, key))
    out.append(expected(rope, 500000.0, 16, 8192, "rope_scaling"))
path = pathlib.Path(__file__).parent / "ropes.json"
path.write_text(json.dumps(out, indent=1) + "\n")
