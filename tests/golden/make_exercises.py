# SPDX-License-Identifier: MIT
"""Writes exercises.safetensors: what other people's code computes for the tests
of exercises/.

tokenizer.*   Hugging Face's tokenizers: merges of a text [2 n] (left, right,
              left, ...) and the ids of another; texts as bytes; int32
attention.*   torch.nn.MultiheadAttention, 3 heads (and 1), causal
block.*       torch.nn.TransformerEncoderLayer, norm first, ReLU, causal
gelu.*        torch's gelu, the form with tanh
train.*       torch.optim.SGD on a regression: 8 losses and the weights after
              them, gradients free and clipped to length 1
"""

import json
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

torch.set_num_threads(1)
rng = np.random.default_rng(8)
out = {}


def normal(*shape, scale=1.0):
    return (scale * rng.normal(size=shape)).astype(np.float32)


# --- tokenizer: no blanks, since ByteLevel gives those another place ----------

MERGES = 20
TRAIN = "shesellsseashellsontheseashore;theshellsshesellsareseashellsimsure"
TEXT = "theselleroftheshellsisasure-handedsheéé"
alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(
    add_prefix_space=False, use_regex=False
)
tokenizer.train_from_iterator(
    [TRAIN],
    trainers.BpeTrainer(
        vocab_size=256 + MERGES,
        initial_alphabet=alphabet,
        show_progress=False,
    ),
)


def byte_of():
    """The byte that each letter of the ByteLevel alphabet stands for."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in plain]
    letters = {chr(b): b for b in plain}
    return letters | {chr(256 + i): b for i, b in enumerate(rest)}


letters = byte_of()
vocabulary = tokenizer.get_vocab()
ours = {}  # their id -> ours: bytes, then merges in order
for token, id_ in vocabulary.items():
    ours[id_] = letters[token] if len(token) == 1 else id_
merges = json.loads(tokenizer.to_str())["model"]["merges"]
assert len(merges) == MERGES
out["tokenizer.merges"] = np.array(
    [[ours[vocabulary[part]] for part in pair] for pair in merges], np.int32
).reshape(-1)
out["tokenizer.train"] = np.array(list(TRAIN.encode()), np.int32)
out["tokenizer.text"] = np.array(list(TEXT.encode()), np.int32)
out["tokenizer.ids"] = np.array(
    [ours[i] for i in tokenizer.encode(TEXT).ids], np.int32
)

# --- attention and block ------------------------------------------------------

B, L, C, HEADS = 2, 6, 12, 3
CAUSAL = torch.nn.Transformer.generate_square_subsequent_mask(L)


def randomized(module):
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(torch.tensor(normal(*p.shape, scale=0.4)))
    return module.eval()


def attend(module, x):
    x = torch.tensor(x)
    with torch.no_grad():
        return module(x, x, x, attn_mask=CAUSAL)[0].numpy()


x = normal(B, L, C)
three = randomized(torch.nn.MultiheadAttention(C, HEADS, batch_first=True))
one = torch.nn.MultiheadAttention(C, 1, batch_first=True).eval()
one.load_state_dict(three.state_dict())
for name, p in three.state_dict().items():
    out[f"attention.{name}"] = p.numpy().copy()
out["attention.x"] = x
out["attention.y"] = attend(three, x)
out["attention.y_one_head"] = attend(one, x)

layer = torch.nn.TransformerEncoderLayer(
    C, HEADS, 4 * C, dropout=0.0, batch_first=True, norm_first=True
)
randomized(layer)
for name, p in layer.state_dict().items():
    out[f"block.{name}"] = p.numpy().copy()
out["block.x"] = normal(B, L, C)
with torch.no_grad():
    y = layer(torch.tensor(out["block.x"]), src_mask=CAUSAL)
out["block.y"] = y.numpy()

out["gelu.x"] = np.linspace(-6, 6, 97, dtype=np.float32)
out["gelu.y"] = torch.nn.functional.gelu(
    torch.tensor(out["gelu.x"]), approximate="tanh"
).numpy()

# --- the training loop --------------------------------------------------------

STEPS, N = 8, 10
out["train.x"] = normal(STEPS, N, 3)
out["train.y"] = normal(STEPS, N, 2, scale=3)
out["train.w"] = normal(3, 2)
out["train.b"] = normal(2)
for name, max_norm in (("free", None), ("clipped", 1.0)):
    w = torch.nn.Parameter(torch.tensor(out["train.w"]))
    b = torch.nn.Parameter(torch.tensor(out["train.b"]))
    sgd = torch.optim.SGD([w, b], lr=0.1)
    losses = []
    for step in range(STEPS):
        x, y = (torch.tensor(out[f"train.{k}"][step]) for k in "xy")
        loss = torch.mean((x @ w + b - y) ** 2)
        sgd.zero_grad()
        loss.backward()
        losses.append(loss.item())
        if max_norm:
            torch.nn.utils.clip_grad_norm_([w, b], max_norm)
        sgd.step()
    out[f"train.losses_{name}"] = np.array(losses, np.float32)
    out[f"train.w_{name}"] = w.detach().numpy().copy()
    out[f"train.b_{name}"] = b.detach().numpy().copy()

target = pathlib.Path(__file__).with_name("exercises.safetensors")
save_file({k: np.ascontiguousarray(v) for k, v in out.items()}, target)
print(f"{len(out)} arrays, {target.stat().st_size} bytes")
