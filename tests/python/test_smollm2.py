# SPDX-License-Identifier: MIT
"""SmolLM2-135M-Instruct from its GGUF file: the logits and the text are those
of transformers in float32 (golden files, see tests/golden/README.md)."""

import ctypes.util
import json
import os
import subprocess
import sys
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from program_runs import program, tool
from safetensors.numpy import load_file
from smollm2 import gguf_file

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
STRIDE = 16
NEAR = 0.01  # logits closer than this may change places


@pytest.fixture(scope="module")
def model():
    return str(gguf_file())


@pytest.fixture(scope="module")
def runs():
    return json.loads((GOLDEN / "smollm2.json").read_text())["runs"]


@pytest.fixture(scope="module")
def prompts():
    return json.loads((GOLDEN / "smollm2_prompts.json").read_text())


def generate(model, *args):
    done = subprocess.run(
        [program("generate"), "--model", model, *map(str, args), "--json"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_logits(model, prompts, tmp_path):
    out, ids = tmp_path / "logits.safetensors", tmp_path / "ids.json"
    ids.write_text(json.dumps([p["tokens"] for p in prompts]))
    subprocess.run([tool("logits_tool"), model, ids, out], check=True)
    expected = load_file(GOLDEN / "smollm2.safetensors")["logits"]
    ours = mx.load(str(out))
    for i, row in enumerate(expected):
        after = np.array(ours[f"logits.{i}"])[0, -1]
        assert np.abs(after[::STRIDE] - row).max() < 1e-3


def test_greedy_text(model, runs, prompts, tmp_path):
    """Equal token for token, but where the best two logits are nearly equal;
    what follows such a place is another text."""
    texts = tmp_path / "prompts.json"
    texts.write_text(json.dumps([p["text"] for p in prompts]))
    said = generate(
        model, "--prompts", texts, "--raw", "--ignore-eos", "--temperature",
        0, "--max-tokens", 64,
    )  # fmt: skip
    differences = 0
    for run, ours in zip(runs, said["results"], strict=True):
        for i, (a, b) in enumerate(zip(ours["tokens"], run["tokens"])):
            if a != b:
                assert run["gaps"][i] < NEAR, (run["prompt"], i)
                differences += 1
                break
    assert differences <= 0.01 * sum(len(run["tokens"]) for run in runs)


def logits_of(model, ids, out, fast):
    env = {**os.environ, "LLM_FAST_CPU": fast}
    subprocess.run([tool("logits_tool"), model, ids, out], check=True, env=env)
    return np.array(mx.load(str(out))["logits"])[0]


# The BLAS of the C++ programs; it must come before mlx.core, so not in here.
MLX_LM = """
import ctypes, json, sys
ctypes.CDLL(sys.argv[4], ctypes.RTLD_GLOBAL)
import mlx.core as mx, mlx_lm
mx.set_default_device(mx.cpu)
model, _ = mlx_lm.load(sys.argv[1])
model.set_dtype(mx.float32)
tokens = mx.array(json.load(open(sys.argv[2])))
mx.save_safetensors(sys.argv[3], {"logits": model(tokens)})
"""


def convert(model, out, *options):
    command = [program("finetune_llm"), "convert", *options]
    subprocess.run(
        [*command, "--model", model, "--out", out],
        check=True,
        capture_output=True,
    )
    return out


@pytest.fixture(scope="module")
def ids(prompts, tmp_path_factory):
    path = tmp_path_factory.mktemp("ids") / "ids.json"
    path.write_text(json.dumps([prompts[0]["tokens"]]))
    return path


def test_as_a_folder(model, ids, tmp_path):
    folder = convert(model, tmp_path / "folder")
    np.testing.assert_array_equal(
        logits_of(folder, ids, tmp_path / "a.safetensors", "1"),
        logits_of(model, ids, tmp_path / "b.safetensors", "1"),
    )


def test_in_mlx_lm(model, ids, tmp_path):
    """With MLX's own operations equal to the last bit. (With the kernels sums
    run in another order; in float32 any order is up to 1e-4 from the exact
    logits here.)"""
    blas = ctypes.util.find_library("openblas")
    if blas is None:
        pytest.skip("no OpenBLAS to share")
    folder = convert(model, tmp_path / "folder", "--dequantize")
    out = tmp_path / "mlx_lm.safetensors"
    subprocess.run(
        [sys.executable, "-c", MLX_LM, folder, ids, out, blas],
        check=True,
        capture_output=True,
    )
    expected = np.array(mx.load(str(out))["logits"])[0]
    plain = logits_of(folder, ids, tmp_path / "plain.safetensors", "0")
    np.testing.assert_array_equal(plain, expected)
