# SPDX-License-Identifier: MIT
"""nanoGPT's whole recipe for the nano preset in PyTorch: its data, its
initialisation, its schedule; prints the losses of the trained model as JSON.
nano_loss.py runs it beside ours, one seed after the other.
"""

import argparse
import json
import math
import pathlib
import sys
import time

import torch
from torch import nn

from torch_gpt import BATCH, BLOCK, VOCAB, nano
from torch_nanogpt import optimizer_of

STEPS, WARMUP, RATE, LAST_RATE = 2000, 100, 1e-3, 1e-4
EVAL_BATCHES = 20  # eval_iters in nanoGPT's CPU configuration


def learning_rate(step):
    if step < WARMUP:
        return RATE * (step + 1) / (WARMUP + 1)
    done = (step - WARMUP) / (STEPS - WARMUP)
    return LAST_RATE + 0.5 * (1 + math.cos(math.pi * done)) * (RATE - LAST_RATE)


def splits(path):
    """nanoGPT's shakespeare_char: sorted characters, first 90 % for training."""
    text = pathlib.Path(path).read_text(encoding="utf-8")
    ids = {c: i for i, c in enumerate(sorted(set(text)))}
    assert len(ids) == VOCAB
    data = torch.tensor([ids[c] for c in text])
    cut = int(0.9 * len(data))
    return data[:cut], data[cut:]


def random_batch(data):
    starts = torch.randint(len(data) - BLOCK, (BATCH,)).tolist()
    return (
        torch.stack([data[i : i + BLOCK] for i in starts]),
        torch.stack([data[i + 1 : i + BLOCK + 1] for i in starts]),
    )


@torch.no_grad()
def sampled_loss(model, data):
    losses = [model(*random_batch(data)).item() for _ in range(EVAL_BATCHES)]
    return sum(losses) / len(losses)


@torch.no_grad()
def full_loss(model, data):
    """Non-overlapping windows over all of `data`."""
    windows = (len(data) - 1) // BLOCK
    x = data[: windows * BLOCK].view(windows, BLOCK)
    y = data[1 : windows * BLOCK + 1].view(windows, BLOCK)
    total = 0.0
    for i in range(0, windows, BATCH):
        part = x[i : i + BATCH]
        total += model(part, y[i : i + BATCH]).item() * len(part)
    return total / windows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--seed", type=int, default=1337)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    train, val = splits(args.data)
    model = nano()
    optimizer = optimizer_of(model)
    begin = time.perf_counter()
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step)
        loss = model(*random_batch(train))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    said = {
        "seed": args.seed,
        "val_loss_sampled": sampled_loss(model, val),
        "val_loss_full": full_loss(model, val),
        "seconds": time.perf_counter() - begin,
        "torch": torch.__version__,
    }
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    main()
