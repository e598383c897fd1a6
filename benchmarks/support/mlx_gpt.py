# SPDX-License-Identifier: MIT
"""The nano preset in Python on mlx.nn and mlx.optimizers, as one would write
it; prints the seconds of each training step as JSON. step_time.py runs it.
"""

import argparse
import ctypes
import ctypes.util
import json
import sys
import time

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--steps", type=int, default=60)
parser.add_argument("--openblas", action="store_true", help="before MLX's own")
parser.add_argument(
    "--compile", action="store_true", help="mx.compile the step"
)
args = parser.parse_args()
if args.openblas:  # only if it comes before mlx.core do its symbols win
    ctypes.CDLL(ctypes.util.find_library("openblas"), ctypes.RTLD_GLOBAL)

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np

LAYERS, HEADS, WIDTH, BLOCK, BATCH, VOCAB = 4, 4, 128, 64, 12, 65


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.c_attn = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.c_proj = nn.Linear(WIDTH, WIDTH, bias=False)

    def __call__(self, x):
        B, L, _ = x.shape
        heads = [
            a.reshape(B, L, HEADS, -1).transpose(0, 2, 1, 3)
            for a in mx.split(self.c_attn(x), 3, axis=-1)
        ]
        scale = (WIDTH // HEADS) ** -0.5
        y = mx.fast.scaled_dot_product_attention(
            *heads, scale=scale, mask="causal"
        )
        return self.c_proj(y.transpose(0, 2, 1, 3).reshape(B, L, WIDTH))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1 = nn.LayerNorm(WIDTH, bias=False)
        self.attn = Attention()
        self.ln_2 = nn.LayerNorm(WIDTH, bias=False)
        self.c_fc = nn.Linear(WIDTH, 4 * WIDTH, bias=False)
        self.c_proj = nn.Linear(4 * WIDTH, WIDTH, bias=False)

    def __call__(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.c_proj(nn.gelu(self.c_fc(self.ln_2(x))))


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte = nn.Embedding(VOCAB, WIDTH)
        self.wpe = nn.Embedding(BLOCK, WIDTH)
        self.h = [Block() for _ in range(LAYERS)]
        self.ln_f = nn.LayerNorm(WIDTH, bias=False)

    def __call__(self, tokens):
        x = self.wte(tokens) + self.wpe(mx.arange(tokens.shape[1]))
        for block in self.h:
            x = block(x)
        return self.wte.as_linear(self.ln_f(x))


model = GPT()
mx.eval(model.parameters())
betas = [0.9, 0.99]
optimizer = optim.MultiOptimizer(
    [
        optim.AdamW(1e-3, betas=betas, weight_decay=0.1, bias_correction=True),
        optim.AdamW(1e-3, betas=betas, weight_decay=0.0, bias_correction=True),
    ],
    [lambda name, weight: weight.ndim >= 2],
)
value_and_grad = nn.value_and_grad(
    model, lambda x, y: nn.losses.cross_entropy(model(x), y, reduction="mean")
)


def step(x, y):
    loss, grads = value_and_grad(x, y)
    grads, _ = optim.clip_grad_norm(grads, 1.0)
    optimizer.update(model, grads)
    return loss


state = [model.state, optimizer.state]
if args.compile:
    optimizer.init(model.trainable_parameters())
    step = mx.compile(step, inputs=state, outputs=state)

rng = np.random.default_rng(0)
data = rng.integers(0, VOCAB, 1_000_000, dtype=np.int32)
seconds = []
for _ in range(args.steps):
    begin = time.perf_counter()
    starts = rng.integers(0, len(data) - BLOCK - 1, BATCH)
    x = mx.array(np.stack([data[i : i + BLOCK] for i in starts]))
    y = mx.array(np.stack([data[i + 1 : i + BLOCK + 1] for i in starts]))
    loss = step(x, y)
    mx.eval(loss, state)
    loss.item()
    seconds.append(time.perf_counter() - begin)
json.dump(seconds, sys.stdout)
