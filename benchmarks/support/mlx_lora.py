# SPDX-License-Identifier: MIT
"""LoRA by mlx-lm's own trainer, unchanged; prints the loss and the seconds of
each step as JSON. lora_speed.py runs it. The trainer goes through batches in
the order of numpy's permutation, so lora_speed.py writes the data in it.
"""

import argparse
import ctypes
import ctypes.util
import json
import sys
import time

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--model", required=True)
parser.add_argument("--adapter", required=True, help="initial values")
parser.add_argument("--data", required=True, help="rows, before the order")
parser.add_argument("--steps", type=int, required=True)
parser.add_argument("--batch", type=int, required=True)
parser.add_argument("--length", type=int, required=True)
parser.add_argument("--lr", type=float, required=True)
parser.add_argument("--openblas", action="store_true", help="before MLX's own")
parser.add_argument("--make-adapter", action="store_true", help="only write it")
args = parser.parse_args()
if args.openblas:  # only if it comes before mlx.core do its symbols win
    ctypes.CDLL(ctypes.util.find_library("openblas"), ctypes.RTLD_GLOBAL)

import pathlib

import mlx.core as mx
import mlx.optimizers as optim
import mlx_lm
import numpy as np
from mlx.utils import tree_flatten
from mlx_lm.tuner.datasets import CacheDataset, CompletionsDataset
from mlx_lm.tuner.trainer import TrainingArgs, TrainingCallback, train
from mlx_lm.tuner.utils import linear_to_lora_layers

LAYERS = 16
LORA = {
    "rank": 8,
    "scale": 20.0,
    "dropout": 0.0,
    "keys": ["self_attn.q_proj", "self_attn.v_proj"],
}


class Watch(TrainingCallback):
    """The loss of each step, and when it was known."""

    def __init__(self):
        self.losses, self.times = [], [time.perf_counter()]

    def on_train_loss_report(self, info):
        self.losses.append(info["train_loss"])
        self.times.append(time.perf_counter())


def load():
    model, tokenizer = mlx_lm.load(args.model)
    on_cpu = mx.default_device().type == mx.DeviceType.cpu
    # As the C++ program computes there.
    model.set_dtype(mx.float32 if on_cpu else mx.bfloat16)
    model.freeze()
    mx.random.seed(0)
    linear_to_lora_layers(model, LAYERS, LORA)
    return model, tokenizer


def make_adapter(model):
    folder = pathlib.Path(args.adapter)
    folder.mkdir(exist_ok=True)
    weights = dict(tree_flatten(model.trainable_parameters()))
    mx.save_safetensors(str(folder / "adapters.safetensors"), weights)
    config = {
        "fine_tune_type": "lora",
        "num_layers": LAYERS,
        "lora_parameters": LORA,
    }
    (folder / "adapter_config.json").write_text(json.dumps(config))


def measure(model, tokenizer):
    model.load_weights(args.adapter + "/adapters.safetensors", strict=False)
    with open(args.data, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    data = CacheDataset(
        CompletionsDataset(rows, tokenizer, "prompt", "completion", True)
    )
    np.random.seed(0)
    watch = Watch()
    train(
        model,
        optim.Adam(learning_rate=args.lr),
        data,
        args=TrainingArgs(
            batch_size=args.batch,
            iters=args.steps,
            steps_per_report=1,
            steps_per_save=10**9,
            max_seq_length=args.length,
            adapter_file=args.adapter + "/unused.safetensors",
        ),
        training_callback=watch,
    )
    return {
        "losses": watch.losses,
        "seconds": [b - a for a, b in zip(watch.times, watch.times[1:])],
    }


model, tokenizer = load()
if args.make_adapter:
    make_adapter(model)
else:
    out, sys.stdout = sys.stdout, sys.stderr  # the trainer writes a lot
    result = measure(model, tokenizer)
    sys.stdout = out
    json.dump(result, sys.stdout)
