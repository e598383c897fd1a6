# SPDX-License-Identifier: MIT
"""nanoGPT's model and optimizer in PyTorch, written short; for torch_gpt.py and
torch_gpu.py."""

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F


@dataclass
class Shape:
    layers: int
    heads: int
    width: int
    block: int
    vocabulary: int
    dropout: float = 0.0


def dropout_of(shape):
    return nn.Dropout(shape.dropout) if shape.dropout else nn.Identity()


class Layer(nn.Module):
    def __init__(self, shape):
        super().__init__()
        width = shape.width
        self.heads, self.dropout = shape.heads, shape.dropout
        self.ln_1 = nn.LayerNorm(width, bias=False)
        self.c_attn = nn.Linear(width, 3 * width, bias=False)
        self.c_proj = nn.Linear(width, width, bias=False)
        self.ln_2 = nn.LayerNorm(width, bias=False)
        self.fc = nn.Linear(width, 4 * width, bias=False)
        self.proj = nn.Linear(4 * width, width, bias=False)
        self.drop_1, self.drop_2 = dropout_of(shape), dropout_of(shape)

    def forward(self, x):
        B, L, C = x.shape
        q, k, v = self.c_attn(self.ln_1(x)).split(C, dim=2)
        q, k, v = (
            t.view(B, L, self.heads, -1).transpose(1, 2) for t in (q, k, v)
        )
        dropout = self.dropout if self.training else 0
        y = F.scaled_dot_product_attention(
            q, k, v, dropout_p=dropout, is_causal=True
        )
        y = self.c_proj(y.transpose(1, 2).reshape(B, L, C))
        x = x + self.drop_1(y)
        return x + self.drop_2(self.proj(F.gelu(self.fc(self.ln_2(x)))))


class GPT(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.wte = nn.Embedding(shape.vocabulary, shape.width)
        self.wpe = nn.Embedding(shape.block, shape.width)
        self.drop = dropout_of(shape)
        self.h = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.ln_f = nn.LayerNorm(shape.width, bias=False)
        self.head = nn.Linear(shape.width, shape.vocabulary, bias=False)
        self.wte.weight = self.head.weight
        for name, p in self.named_parameters():
            if p.dim() >= 2:
                small = name.endswith("proj.weight")
                std = 0.02 / math.sqrt(2 * shape.layers) if small else 0.02
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
    """nanoGPT's AdamW: weight decay on matrices only."""
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    groups = [
        {"params": matrices, "weight_decay": 0.1},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99), fused=True)
