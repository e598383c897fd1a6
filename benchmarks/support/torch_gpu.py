# SPDX-License-Identifier: MIT
"""nanoGPT's GPU configuration in PyTorch: the model, the batches and the step of
its train.py written short; prints as JSON the seconds of a step and the memory.
gpu_train.py runs it. --dtype fp32 multiplies in TF32, as nanoGPT does.
"""

import argparse
import contextlib
import json
import math
import pathlib
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

LAYERS, HEADS, WIDTH, BLOCK, BATCH, DROPOUT = 6, 6, 384, 256, 64, 0.2


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1 = nn.LayerNorm(WIDTH, bias=False)
        self.c_attn = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.c_proj = nn.Linear(WIDTH, WIDTH, bias=False)
        self.ln_2 = nn.LayerNorm(WIDTH, bias=False)
        self.fc = nn.Linear(WIDTH, 4 * WIDTH, bias=False)
        self.proj = nn.Linear(4 * WIDTH, WIDTH, bias=False)
        self.drop_1, self.drop_2 = nn.Dropout(DROPOUT), nn.Dropout(DROPOUT)

    def forward(self, x):
        B, L, C = x.shape
        q, k, v = self.c_attn(self.ln_1(x)).split(C, dim=2)
        q, k, v = (t.view(B, L, HEADS, -1).transpose(1, 2) for t in (q, k, v))
        y = F.scaled_dot_product_attention(
            q, k, v, dropout_p=DROPOUT if self.training else 0, is_causal=True
        )
        y = y.transpose(1, 2).contiguous().view(B, L, C)
        x = x + self.drop_1(self.c_proj(y))
        return x + self.drop_2(self.proj(F.gelu(self.fc(self.ln_2(x)))))


class GPT(nn.Module):
    def __init__(self, vocabulary):
        super().__init__()
        self.wte = nn.Embedding(vocabulary, WIDTH)
        self.wpe = nn.Embedding(BLOCK, WIDTH)
        self.drop = nn.Dropout(DROPOUT)
        self.h = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.ln_f = nn.LayerNorm(WIDTH, bias=False)
        self.head = nn.Linear(WIDTH, vocabulary, bias=False)
        self.wte.weight = self.head.weight
        for name, p in self.named_parameters():
            if p.dim() >= 2:
                small = name.endswith("proj.weight")
                std = 0.02 / math.sqrt(2 * LAYERS) if small else 0.02
                nn.init.normal_(p, std=std)

    def forward(self, tokens, targets):
        positions = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.drop(self.wte(tokens) + self.wpe(positions))
        for layer in self.h:
            x = layer(x)
        logits = self.head(self.ln_f(x))
        return F.cross_entropy(
            logits.view(-1, logits.shape[-1]), targets.view(-1)
        )


def optimizer_of(model):
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    groups = [
        {"params": matrices, "weight_decay": 0.1},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99), fused=True)


def read(path):
    text = pathlib.Path(path).read_text(encoding="utf-8")
    ids = {c: i for i, c in enumerate(sorted(set(text)))}
    data = torch.tensor([ids[c] for c in text])
    return data[: int(0.9 * len(data))], len(ids)


def batch_of(data):
    """Gathered on the GPU, where nanoGPT copies windows from the host: faster."""
    starts = torch.randint(len(data) - BLOCK, (BATCH, 1), device=data.device)
    at = starts + torch.arange(BLOCK, device=data.device)
    return data[at], data[at + 1]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--skip", type=int, default=50)
    parser.add_argument("--dtype", choices=["fp32", "bf16"], default="bf16")
    parser.add_argument("--compile", metavar="MODE", help="of torch.compile")
    args = parser.parse_args()
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    data, vocabulary = read(args.data)
    model = GPT(vocabulary).to("cuda").train()
    optimizer = optimizer_of(model)
    forward = torch.compile(model, mode=args.compile) if args.compile else model
    autocast = (
        torch.autocast("cuda", dtype=torch.bfloat16)
        if args.dtype == "bf16"
        else contextlib.nullcontext()
    )
    data = data.to("cuda")
    for step in range(args.steps):
        if step == args.skip:
            torch.cuda.synchronize()
            begin = time.perf_counter()
        with autocast:
            loss = forward(*batch_of(data))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    torch.cuda.synchronize()
    seconds = (time.perf_counter() - begin) / (args.steps - args.skip)
    said = {
        "seconds": seconds,
        "memory_bytes": torch.cuda.max_memory_allocated(),
        "loss": loss.item(),
        "torch": torch.__version__,
    }
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    main()
