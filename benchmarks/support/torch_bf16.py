# SPDX-License-Identifier: MIT
"""How far PyTorch's bfloat16 (autocast) is from its float32 on the same GPU: the
nano preset's model after a short training, logits and gradients of one window.
Prints JSON; gpu_parity.py runs it.
"""

import json
import sys

import torch

from torch_gpt import BLOCK, VOCAB, nano
from torch_nanogpt import optimizer_of


def numbers(model, x, y, half):
    model.zero_grad(set_to_none=True)
    heard = []
    hook = model.head.register_forward_hook(lambda m, i, o: heard.append(o))
    with torch.autocast("cuda", torch.bfloat16, enabled=half):
        loss = model(x, y)
    hook.remove()
    loss.backward()
    gradient = torch.cat([p.grad.flatten() for p in model.parameters()])
    return heard[0].float().flatten(), gradient


def main():
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = False
    model = nano().to("cuda")
    optimizer = optimizer_of(model)
    # Words that repeat, so that there is something to learn in fifty steps.
    words = torch.randint(VOCAB, (64, 8), device="cuda")
    for _ in range(50):
        rows = words[torch.randint(64, (12, BLOCK // 8 + 1), device="cuda")]
        text = rows.flatten(1)
        loss = model(text[:, :BLOCK], text[:, 1 : BLOCK + 1].contiguous())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    x, y = text[:1, :BLOCK], text[:1, 1 : BLOCK + 1]
    a, da = numbers(model, x, y, True)
    b, db = numbers(model, x, y, False)
    said = {
        "logits": (torch.norm(a - b) / torch.norm(b)).item(),
        "gradients": (torch.norm(da - db) / torch.norm(db)).item(),
    }
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    main()
