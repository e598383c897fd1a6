# SPDX-License-Identifier: MIT
"""Fine-tuning beside mlx-lm: the same model, initial adapter, data order and
settings give the same losses; adapters load both ways; a fused folder computes
what model and adapter computed.

mlx-lm's trainer runs as it is. It goes through batches of four lines in the
order of numpy's permutation; our data is written in that order and read with
--no-shuffle. Its mask counts one padding token after each example, and its Adam
does not correct the bias of its moments: --count-padding, --no-bias-correction.
"""

import importlib.util
import json
import os

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import mlx_lm
import numpy as np
import pytest
from mlx.utils import tree_flatten
from mlx_lm.tuner.datasets import CacheDataset, CompletionsDataset
from mlx_lm.tuner.trainer import TrainingArgs, TrainingCallback, train
from mlx_lm.tuner.utils import linear_to_lora_layers, load_adapters
from tune_runs import (
    examples,
    make_model,
    metrics,
    our_logits,
    tune,
    write_jsonl,
)

mx.disable_compile()  # on a CPU it would call a C++ compiler for each shape

STEPS, BATCH, SEED = 10, 4, 0
LENGTH = 64  # cuts the longest examples
LOGITS = 1e-4
# name: (dora, bits of the base, learning rate, prompt masked)
CASES = {
    "lora": (False, None, 1e-5, False),
    "lora_fast": (False, None, 1e-3, True),
    "dora": (True, None, 1e-3, True),
    "qlora": (False, 4, 1e-3, False),
}


class Losses(TrainingCallback):
    def __init__(self):
        self.all = []

    def on_train_loss_report(self, info):
        self.all.append(info["train_loss"])


def their_model(folder, bits):
    model, tokenizer = mlx_lm.load(str(folder))
    if bits:
        nn.quantize(model, group_size=32, bits=bits)
    return model, tokenizer


def parameters():
    keys = ["self_attn.q_proj", "self_attn.v_proj"]
    return {"rank": 8, "scale": 20.0, "dropout": 0.0, "keys": keys}


def add_lora(model, dora):
    model.freeze()
    linear_to_lora_layers(model, 16, parameters(), use_dora=dora)


def save(model, folder, dora):
    """As mlx_lm.lora leaves them."""
    folder.mkdir()
    weights = dict(tree_flatten(model.trainable_parameters()))
    mx.save_safetensors(str(folder / "adapters.safetensors"), weights)
    config = {
        "fine_tune_type": "dora" if dora else "lora",
        "num_layers": 16,
        "lora_parameters": parameters(),
    }
    (folder / "adapter_config.json").write_text(json.dumps(config))


def their_losses(model, tokenizer, rows, masked, rate, folder):
    data = CompletionsDataset(rows, tokenizer, "prompt", "completion", masked)
    losses = Losses()
    np.random.seed(SEED)
    train(
        model,
        optim.Adam(learning_rate=rate),
        CacheDataset(data),
        args=TrainingArgs(
            batch_size=BATCH,
            iters=STEPS,
            steps_per_report=1,
            steps_per_save=10**6,
            max_seq_length=LENGTH,
            adapter_file=str(folder / "unused.safetensors"),
        ),
        training_callback=losses,
    )
    return losses.all


def in_their_order(rows):
    np.random.seed(SEED)
    order = np.random.permutation(len(rows) // BATCH)
    return [rows[BATCH * i + j] for i in order for j in range(BATCH)]


def our_losses(model, start, data, out, bits, masked, rate):
    options = ["--quantize", bits, "--group-size", 32] if bits else []
    options += [] if masked else ["--no-mask-prompt"]
    tune(
        *("train", "--model", model, "--adapter", start, "--data", data),
        *("--out", out, "--steps", STEPS, "--batch", BATCH, "--lr", rate),
        *("--max-length", LENGTH, "--no-shuffle", "--count-padding"),
        *("--optimizer", "adam", "--no-bias-correction", "--weight-decay", 0),
        *("--schedule", "constant", "--warmup", 0, "--clip", 0),
        *("--eval-every", 0, "--chat-format", "chatml", *options),
    )
    return [line["loss"] for line in metrics(out)[1]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_model(tmp_path_factory.mktemp("parity") / "model")


@pytest.fixture(scope="module", params=CASES)
def both(request, folder, tmp_path_factory):
    """Trained by both: (case, their model, their losses, our losses, base)."""
    dora, bits, rate, masked = CASES[request.param]
    base = tmp_path_factory.mktemp(request.param)
    rows = examples(STEPS * BATCH)
    model, tokenizer = their_model(folder, bits)
    mx.random.seed(3)
    add_lora(model, dora)
    save(model, base / "start", dora)
    # All are for training: a validation part of its own keeps ours from
    # holding some out.
    (base / "data").mkdir()
    write_jsonl(base / "data" / "train.jsonl", in_their_order(rows))
    write_jsonl(base / "data" / "valid.jsonl", rows[:BATCH])
    ours = our_losses(
        folder, base / "start", base / "data", base / "ours", bits, masked, rate
    )
    theirs = their_losses(model, tokenizer, rows, masked, rate, base)
    save(model, base / "theirs", dora)
    return CASES[request.param], model, theirs, ours, base


def tokens():
    return np.random.default_rng(1).integers(3, 300, (2, 40))


def distance(a, b):
    assert a.shape == b.shape and np.isfinite(a).all() and a.std() > 1e-3
    return np.abs(a - b).max()


def fuse(folder, base):
    fused = base / "fused"
    if not fused.exists():
        tune(
            *("fuse", "--model", folder, "--adapter", base / "ours"),
            *("--out", fused),
        )
    return fused


def test_losses_are_equal(both):
    (_, _, rate, _), _, theirs, ours, _ = both
    assert len(theirs) == len(ours) == STEPS
    gaps = [abs(a - b) for a, b in zip(theirs, ours)]
    assert max(gaps) < 1e-4, (theirs, ours)
    if rate > 1e-4:  # the adapter did something, in both
        assert theirs[0] - min(theirs) > 0.05


def test_their_adapter_loads_here(both, folder, tmp_path):
    (_, bits, _, _), model, _, _, base = both
    packed = [bits] if bits else []
    ours = our_logits(folder, tokens(), tmp_path, base / "theirs", *packed)
    assert distance(ours, np.array(model(mx.array(tokens())))) < LOGITS


def test_our_adapter_loads_there(both, folder, tmp_path):
    (_, bits, _, _), _, _, _, base = both
    model, _ = their_model(folder, bits)
    load_adapters(model, str(base / "ours"))
    packed = [bits] if bits else []
    ours = our_logits(folder, tokens(), tmp_path, base / "ours", *packed)
    assert distance(ours, np.array(model(mx.array(tokens())))) < LOGITS


def test_merged_is_unmerged_and_loads_there(both, folder, tmp_path):
    (_, bits, _, _), _, _, _, base = both
    if bits:
        pytest.skip("the base of this case is packed while training only")
    fused = fuse(folder, base)
    unmerged = our_logits(folder, tokens(), tmp_path, base / "ours")
    assert distance(our_logits(fused, tokens(), tmp_path), unmerged) < LOGITS
    model, _ = mlx_lm.load(str(fused))
    assert distance(np.array(model(mx.array(tokens()))), unmerged) < LOGITS


def test_merged_loads_in_transformers(both, folder, tmp_path):
    (_, bits, _, _), _, _, _, base = both
    if bits:
        pytest.skip("the base of this case is packed while training only")
    if importlib.util.find_spec("torch") is None:
        reason = "transformers needs torch, which is not installed here"
        if os.environ.get("LLM_DEEP") == "1":
            pytest.fail(reason)
        pytest.skip(reason + "; install torch to run it")
    import torch
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(
        fuse(folder, base), dtype=torch.float32
    )
    with torch.no_grad():
        theirs = model.eval()(torch.tensor(tokens())).logits.numpy()
    ours = our_logits(folder, tokens(), tmp_path, base / "ours")
    assert distance(theirs, ours) < LOGITS
