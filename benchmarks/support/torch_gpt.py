# SPDX-License-Identifier: MIT
"""The nano preset in PyTorch, the model and the step of nanoGPT written short;
prints as JSON the seconds of each training step and the memory they took.
step_time.py, scaling.py and memory.py run it.
"""

import argparse
import json
import sys
import time

import resident
import torch
from torch import nn
from torch.nn import functional as F

LAYERS, HEADS, WIDTH, BLOCK, BATCH, VOCAB = 4, 4, 128, 64, 12, 65


class Layer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.ln_1 = nn.LayerNorm(width, bias=False)
        self.c_attn = nn.Linear(width, 3 * width, bias=False)
        self.c_proj = nn.Linear(width, width, bias=False)
        self.ln_2 = nn.LayerNorm(width, bias=False)
        self.fc = nn.Linear(width, 4 * width, bias=False)
        self.proj = nn.Linear(4 * width, width, bias=False)

    def forward(self, x):
        B, L, C = x.shape
        q, k, v = self.c_attn(self.ln_1(x)).split(C, dim=2)
        q, k, v = (
            t.view(B, L, self.heads, -1).transpose(1, 2) for t in (q, k, v)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.c_proj(y.transpose(1, 2).reshape(B, L, C))
        return x + self.proj(F.gelu(self.fc(self.ln_2(x))))


class GPT(nn.Module):
    def __init__(self, width=WIDTH, heads=HEADS, block=BLOCK):
        super().__init__()
        self.wte = nn.Embedding(VOCAB, width)
        self.wpe = nn.Embedding(block, width)
        self.h = nn.ModuleList(Layer(width, heads) for _ in range(LAYERS))
        self.ln_f = nn.LayerNorm(width, bias=False)
        self.head = nn.Linear(width, VOCAB, bias=False)
        self.wte.weight = self.head.weight
        for p in self.parameters():
            if p.dim() >= 2:
                nn.init.normal_(p, std=0.02)

    def forward(self, tokens, targets):
        positions = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.wte(tokens) + self.wpe(positions)
        for layer in self.h:
            x = layer(x)
        logits = self.head(self.ln_f(x))
        return F.cross_entropy(logits.view(-1, VOCAB), targets.view(-1))


def optimizer_of(model):
    """nanoGPT's AdamW: weight decay on matrices only."""
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    groups = [
        {"params": matrices, "weight_decay": 0.1},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99), fused=True)


def train(args, model, data):
    """Seconds of each step."""
    device = torch.device(args.device)
    optimizer = optimizer_of(model)
    forward = torch.compile(model) if args.compile else model
    seconds = []
    for _ in range(args.steps):
        begin = time.perf_counter()
        last = len(data) - args.block - 1
        starts = torch.randint(last, (args.batch,)).tolist()
        x = torch.stack([data[i : i + args.block] for i in starts])
        y = torch.stack([data[i + 1 : i + args.block + 1] for i in starts])
        loss = forward(x.to(device), y.to(device))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        loss.item()
        seconds.append(time.perf_counter() - begin)
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--device", default="cpu", help="cpu or mps")
    parser.add_argument("--width", type=int, default=WIDTH)
    parser.add_argument("--heads", type=int, default=HEADS)
    parser.add_argument("--block", type=int, default=BLOCK)
    parser.add_argument("--batch", type=int, default=BATCH)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    data = torch.randint(VOCAB, (1_000_000,))
    before = resident.now()
    model = GPT(args.width, args.heads, args.block).to(args.device)
    seconds = train(args, model, data)
    said = {"seconds": seconds, "memory_bytes": resident.peak() - before}
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    main()
