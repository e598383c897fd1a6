# SPDX-License-Identifier: MIT
"""nanoGPT's GPU configuration in PyTorch, the batches and the step of its train.py
written short; prints as JSON the seconds of a step and the memory.
gpu_train.py runs it. --dtype fp32 multiplies in TF32, as nanoGPT does.
"""

import argparse
import contextlib
import json
import pathlib
import sys
import time

import torch
from torch import nn
from torch_nanogpt import GPT, Shape, optimizer_of

BLOCK, BATCH = 256, 64


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
    model = GPT(Shape(6, 6, 384, BLOCK, vocabulary, 0.2)).to("cuda").train()
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
