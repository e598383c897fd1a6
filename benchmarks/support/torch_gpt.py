# SPDX-License-Identifier: MIT
"""The nano preset in PyTorch, the step of nanoGPT written short; prints as JSON
the seconds of each training step and the memory they took. step_time.py,
scaling.py and memory.py run it.
"""

import argparse
import json
import sys
import time

import resident
import torch
from torch import nn
from torch_nanogpt import GPT, Shape, optimizer_of

LAYERS, HEADS, WIDTH, BLOCK, BATCH, VOCAB = 4, 4, 128, 64, 12, 65


def nano(width=WIDTH, heads=HEADS, block=BLOCK):
    return GPT(Shape(LAYERS, heads, width, block, VOCAB))


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
    model = nano(args.width, args.heads, args.block).to(args.device)
    seconds = train(args, model, data)
    said = {"seconds": seconds, "memory_bytes": resident.peak() - before}
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    main()
