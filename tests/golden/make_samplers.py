# SPDX-License-Identifier: MIT
"""Writes samplers.safetensors: what other libraries' samplers compute.

Filters, repetition penalty and temperature come from Hugging Face
transformers, the frequency and presence penalties from mlx-lm (OpenAI's
formula). Names in the file:
  logits                [4, 300] random logits, from flat to peaked
  seen                  [40] token ids, some of them several times
  <stage>.<i>           the logits after one stage with its i-th value (STAGES)
  chain                 all stages in the order of llm/generation/samplers.h
"""

import pathlib

import mlx.core as mx
import numpy as np
import torch
from mlx_lm.sample_utils import make_frequency_penalty, make_presence_penalty
from safetensors.numpy import save_file
from transformers.generation import logits_process as hf

rng = np.random.default_rng(10)
scale = np.array([0.3, 1.0, 3.0, 10.0])[:, None]
logits = (rng.normal(size=(4, 300)) * scale).astype(np.float32)
seen = rng.integers(0, 30, size=40).astype(np.int32)
ids = torch.tensor(np.tile(seen, (4, 1)), dtype=torch.long)


def mlx_lm(make, penalty):
    # A large context_size: all tokens count.
    process = make(penalty, 10**6)
    return lambda _, x: torch.tensor(
        np.array(process(mx.array(seen), mx.array(x.numpy())))
    )


STAGES = {
    "repetition": (hf.RepetitionPenaltyLogitsProcessor, [1.3, 0.7]),
    "frequency": (lambda v: mlx_lm(make_frequency_penalty, v), [0.5, -0.25]),
    "presence": (lambda v: mlx_lm(make_presence_penalty, v), [0.5, -0.25]),
    "top_k": (hf.TopKLogitsWarper, [1, 10, 299]),
    "typical": (hf.TypicalLogitsWarper, [0.05, 0.5, 0.95]),
    "top_p": (hf.TopPLogitsWarper, [0.01, 0.5, 0.9, 0.99]),
    "min_p": (hf.MinPLogitsWarper, [0.01, 0.1, 0.9]),
    "temperature": (hf.TemperatureLogitsWarper, [0.5, 1.7]),
}
CHAIN = [
    ("repetition", 1.2),
    ("frequency", 0.1),
    ("presence", 0.2),
    ("top_k", 60),
    ("typical", 0.9),
    ("top_p", 0.8),
    ("min_p", 0.05),
    ("temperature", 0.7),
]

out = {"logits": logits, "seen": seen}
for name, (make, values) in STAGES.items():
    for i, value in enumerate(values):
        result = make(value)(ids, torch.tensor(logits))
        out[f"{name}.{i}"] = result.numpy().copy()
x = torch.tensor(logits)
for name, value in CHAIN:
    x = STAGES[name][0](value)(ids, x)
out["chain"] = x.numpy().copy()
save_file(out, pathlib.Path(__file__).with_name("samplers.safetensors"))
