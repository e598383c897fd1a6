# SPDX-License-Identifier: MIT
"""Model folders in our programs, in mlx-lm and in transformers: the logits of
each, for the tests that compare them.

LLM_PROGRAMS names the folder of the built programs, LLM_TEST_TOOLS that of the
test tools. The part with transformers needs torch; without torch it is skipped
with a reason, unless LLM_DEEP=1: then it fails.
"""

import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"  # nothing here may come from the network

import mlx.core as mx
import numpy as np
import pytest
import tokenizers
import transformers

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
HOME = tempfile.TemporaryDirectory()  # else train would move models/latest
LOGITS = 1e-4  # largest difference allowed


def program(name):
    variable = "LLM_TEST_TOOLS" if name.endswith("_tool") else "LLM_PROGRAMS"
    path = pathlib.Path(os.environ.get(variable, "")) / name
    if not path.is_file():
        pytest.fail(f"expected {name} in the folder {variable}: build it first")
    return str(path)


def run(name, *args):
    done = subprocess.run(
        [program(name), *map(str, args)],
        env={**os.environ, "MLX_TUTORIAL_HOME": HOME.name},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, f"{name} {args}: {done.stderr[-2000:]}"
    return done


def our_logits(folder, tokens, tmp_path):
    ids, out = tmp_path / "tokens.json", tmp_path / "logits.safetensors"
    ids.write_text(json.dumps(np.asarray(tokens).tolist()))
    run("logits_tool", folder, ids, out)
    return np.array(mx.load(str(out))["logits"])


def mlx_logits(model, tokens):
    return np.array(model(mx.array(np.asarray(tokens))))


def torch_logits(folder, tokens):
    if importlib.util.find_spec("torch") is None:
        reason = "transformers needs torch, which is not installed here"
        if os.environ.get("LLM_DEEP") == "1":
            pytest.fail(reason)
        pytest.skip(reason + "; install torch to run it")
    import torch

    model, report = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, output_loading_info=True
    )
    # A tensor that is missing is random, one that is unexpected is ignored:
    # from_pretrained only warns.
    problems = {k: v for k, v in report.items() if v and k != "error_msgs"}
    assert not problems, problems
    with torch.no_grad():
        return model.eval()(torch.tensor(np.asarray(tokens))).logits.numpy()


def distance(a, b):
    assert a.shape == b.shape
    assert np.isfinite(a).all() and np.isfinite(b).all()
    assert a.std() > 1e-3  # logits of a dead model would agree as well
    return np.abs(a - b).max()


def with_tokenizer(folder, vocab_size, to):
    """A copy of a golden folder, plus a tokenizer.json of 61 characters."""
    shutil.copytree(folder, to)
    vocab = {chr(ord("!") + i): i for i in range(vocab_size)}
    made = tokenizers.Tokenizer(
        tokenizers.models.WordLevel(vocab, unk_token="<unk>")
    )
    made.pre_tokenizer = tokenizers.pre_tokenizers.Split(
        tokenizers.Regex(r"[\s\S]"), "isolated"
    )
    made.decoder = tokenizers.decoders.Fuse()
    made.save(str(to / "tokenizer.json"))
    return to
