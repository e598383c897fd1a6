# SPDX-License-Identifier: MIT
"""Writes optimizers.safetensors: what PyTorch and mlx.optimizers compute.

Ten updates of a toy with two layers, fixed gradients. Names in the file:
  param.<path>                    weights before the first update
  grad.<path>                     gradients, [10, *shape]
  <case>.<path>                   weights after each update, [10, *shape]
  clip.norm, clip.<path>          clip_grad_norm_ of the first gradients
  orthogonalize.in / .out         Newton-Schulz of a matrix
  schedule.<name>                 learning rates of step 0, 1, ...
"""

import pathlib

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
import torch
from safetensors.numpy import save_file
from transformers import get_polynomial_decay_schedule_with_warmup as hf_linear
from transformers import get_wsd_schedule as hf_wsd

STEPS = 10
LR = 0.01
SHAPES = {
    "h.0.weight": (6, 4),
    "h.0.bias": (6,),
    "h.1.weight": (3, 6),
    "h.1.bias": (3,),
    "wte.weight": (5, 4),
}
rng = np.random.default_rng(20)
params = {k: rng.normal(size=s).astype(np.float32) for k, s in SHAPES.items()}
grads = {
    k: rng.normal(size=(STEPS, *s)).astype(np.float32)
    for k, s in SHAPES.items()
}
out = {f"param.{k}": v for k, v in params.items()}
out |= {f"grad.{k}": v for k, v in grads.items()}


def run_torch(case, make):
    """make(matrices, others) returns the optimizers; both are lists."""
    leaves = {k: torch.nn.Parameter(torch.tensor(v)) for k, v in params.items()}
    optimizers = make(leaves)
    history = {k: [] for k in leaves}
    for i in range(STEPS):
        for k, p in leaves.items():
            p.grad = torch.tensor(grads[k][i])
        for o in optimizers:
            o.step()
        for k, p in leaves.items():
            history[k].append(p.detach().numpy().copy())
    out.update({f"{case}.{k}": np.stack(v) for k, v in history.items()})


def grouped(cls, decay, **kwargs):
    """Decay on matrices only, in two groups, as nanoGPT does."""

    def make(leaves):
        groups = [
            {
                "params": [p for p in leaves.values() if p.ndim >= 2],
                "weight_decay": decay,
            },
            {
                "params": [p for p in leaves.values() if p.ndim < 2],
                "weight_decay": 0.0,
            },
        ]
        return [cls(groups, lr=LR, **kwargs)]

    return make


def muon(leaves):
    hidden = [leaves["h.0.weight"], leaves["h.1.weight"]]
    decayed, rest = [leaves["wte.weight"]], [
        leaves["h.0.bias"],
        leaves["h.1.bias"],
    ]
    adamw = {"lr": LR * 0.5, "betas": (0.9, 0.95), "eps": 1e-8}
    return [
        torch.optim.Muon(
            hidden,
            lr=LR,
            weight_decay=0.1,
            momentum=0.95,
            adjust_lr_fn="match_rms_adamw",
        ),
        torch.optim.AdamW(decayed, weight_decay=0.1, **adamw),
        torch.optim.AdamW(rest, weight_decay=0.0, **adamw),
    ]


SGD, Adam, AdamW = torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW
run_torch("sgd", grouped(SGD, 0.1))
run_torch("momentum", grouped(SGD, 0.1, momentum=0.9))
run_torch("nesterov", grouped(SGD, 0.1, momentum=0.9, nesterov=True))
run_torch("adam", grouped(Adam, 0.1, betas=(0.9, 0.999), eps=1e-8))
run_torch("adamw", grouped(AdamW, 0.1, betas=(0.9, 0.95), eps=1e-8))
# torch.optim.Muon multiplies in bfloat16 to be fast; here in float32, so that
# the comparison can be tight.
bfloat16, torch.bfloat16 = torch.bfloat16, torch.float32
run_torch("muon", muon)
torch.bfloat16 = bfloat16

leaves = {k: torch.nn.Parameter(torch.tensor(v)) for k, v in params.items()}
for k, p in leaves.items():
    p.grad = torch.tensor(grads[k][0])
norm = torch.nn.utils.clip_grad_norm_(leaves.values(), 1.0)
out["clip.norm"] = np.array([norm.item()], np.float32)
out.update({f"clip.{k}": p.grad.numpy() for k, p in leaves.items()})


def run_mlx(case, matrices, vectors):
    weights = {k: mx.array(v) for k, v in params.items()}
    history = {k: [] for k in weights}
    for i in range(STEPS):
        for chosen, optimizer in ((True, matrices), (False, vectors)):
            part = {k: v for k, v in weights.items() if (v.ndim >= 2) == chosen}
            part_grads = {k: mx.array(grads[k][i]) for k in part}
            weights |= optimizer.apply_gradients(part_grads, part)
        for k, w in weights.items():
            history[k].append(np.array(w))
    out.update({f"{case}.{k}": np.stack(v) for k, v in history.items()})


def lion(decay):
    return optim.Lion(LR, betas=[0.9, 0.99], weight_decay=decay)


def mlx_adamw(decay):
    return optim.AdamW(
        LR,
        betas=[0.9, 0.95],
        eps=1e-8,
        weight_decay=decay,
        bias_correction=True,
    )


run_mlx("lion", lion(0.1), lion(0.0))
run_mlx("mlx_adamw", mlx_adamw(0.1), mlx_adamw(0.0))
matrix = rng.normal(size=(9, 5)).astype(np.float32)
out["orthogonalize.in"] = matrix
out["orthogonalize.out"] = np.array(
    optim.Muon(LR)._zeropower_via_newtonschulz5(mx.array(matrix), steps=5)
)

# Schedules. nanoGPT's warm-up starts at lr / (warmup + 1), which is MLX's line
# from there to lr; transformers warms up from 0, so its part after it is used.
HIGH, LOW, WARMUP, TOTAL, DECAY = 1e-3, 1e-4, 20, 200, 40
warm = optim.linear_schedule(HIGH / (WARMUP + 1), HIGH, WARMUP)
cosine = optim.cosine_decay(HIGH, TOTAL - WARMUP, LOW)
joined = optim.join_schedules([warm, cosine], [WARMUP])
line = optim.join_schedules(
    [warm, optim.linear_schedule(HIGH, LOW, TOTAL - WARMUP)], [WARMUP]
)
steps = range(TOTAL + 20)
out["schedule.cosine"] = np.array(
    [joined(mx.array(i)).item() for i in steps], np.float32
)
out["schedule.linear"] = np.array(
    [line(mx.array(i)).item() for i in steps], np.float32
)


def rates(schedule, *args, **kwargs):
    optimizer = SGD([torch.nn.Parameter(torch.zeros(1))], lr=HIGH)
    schedule = schedule(optimizer, WARMUP, *args, **kwargs)
    values = []
    for _ in steps:
        values.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return np.array(values, np.float32)


out["schedule.linear_hf"] = rates(hf_linear, TOTAL, lr_end=LOW)
for name, kind in (("wsd", "linear"), ("wsd-sqrt", "1-sqrt")):
    out[f"schedule.{name}"] = rates(
        hf_wsd,
        DECAY,
        num_stable_steps=TOTAL - WARMUP - DECAY,
        decay_type=kind,
        min_lr_ratio=LOW / HIGH,
    )

target = pathlib.Path(__file__).parent / "optimizers.safetensors"
save_file({k: np.ascontiguousarray(v) for k, v in out.items()}, target)
print(f"{len(out)} arrays, {target.stat().st_size} bytes")
