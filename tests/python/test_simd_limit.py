# SPDX-License-Identifier: MIT
"""A processor without AVX-512 or AVX2: LLM_SIMD keeps the kernels to the older
instructions. Their parity tests pass, and training and writing give what they
give with the newest."""

import json
import os
import subprocess

import numpy as np
import pytest
from program_runs import Home, last_json, metrics, program, refused

TARGETS = {"sse4": "SSE4", "avx2": "AVX2", "avx512": "AVX3"}  # Highway's names
NEWER = list(TARGETS.values())
TRAIN = ["--width", 48, "--block", 32, "--batch", 8, "--dropout", 0.1]
TRAIN += ["--steps", 20, "--eval-every", 0, "--sample-every", 0]


def environment(limit):
    env = {k: v for k, v in os.environ.items() if k != "LLM_SIMD"}
    return {
        **env,
        "LLM_FAST_CPU": "1",
        **({"LLM_SIMD": limit} if limit else {}),
    }


def kernels(limit):
    """What `doctor` says of them."""
    command = [program("doctor")]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment(limit)
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["kernels"]


@pytest.fixture(params=TARGETS)
def limit(request):
    """A limit that this processor can reach."""
    newest = kernels("")
    if newest.removesuffix("_DL") not in NEWER:
        pytest.skip(f"no x86 kernels here: {newest or 'none'}")
    wanted = TARGETS[request.param]
    if NEWER.index(wanted) > NEWER.index(newest.removesuffix("_DL")):
        pytest.skip(f"this processor has no {wanted}")
    return request.param


def test_the_limit_is_obeyed(limit):
    assert kernels(limit) == TARGETS[limit]


def test_kernels_equal_their_twins(limit):
    done = subprocess.run(
        [program("test_llm"), "--test-case=kernels:*,decode:*"],
        capture_output=True,
        text=True,
        env=environment(limit),
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert " 0 failed" in done.stdout and "| 0 passed" not in done.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return Home(tmp_path_factory.mktemp("simd"))


def train_and_write(home, limit):
    """(losses, what the model says next)"""
    home.env = environment(limit) | {
        "MLX_TUTORIAL_HOME": home.env["MLX_TUTORIAL_HOME"]
    }
    out = home.folder / (limit or "newest")
    home.train(*TRAIN, "--architecture", "qwen3", "--no-bf16", "--out", out)
    sample = ["sample", "--model", out, "--prompt", "The fox"]
    sample += ["--temperature", 0, "--max-tokens", 40, "--json"]
    losses = [step["loss"] for step in metrics(out)[1]]
    return np.array(losses), last_json(home.run(*sample))


@pytest.fixture(scope="module")
def newest(home):
    return train_and_write(home, "")


def test_training_and_writing(home, newest, limit):
    losses, said = train_and_write(home, limit)
    assert len(losses) == 20
    np.testing.assert_allclose(losses, newest[0], rtol=0, atol=1e-4)
    assert said["text"] == newest[1]["text"]
    np.testing.assert_allclose(
        said["logprobs"], newest[1]["logprobs"], rtol=0, atol=1e-3
    )


@pytest.mark.parametrize("fast", ["0", "1"])
def test_a_wrong_word(home, fast):
    env = {**environment("avx1"), "LLM_FAST_CPU": fast}
    done = home.run("ngram", "--data", home.text, env=env, code=None)
    refused(done, 2, "[LLM_SIMD]", "sse4, avx2 or avx512", '"avx1"')


@pytest.mark.skipif(not kernels(""), reason="there are no kernels here")
@pytest.mark.parametrize("bits", ["12", "", "many"])
def test_wrong_activation_bits(home, bits):
    env = {**environment(""), "LLM_ACTIVATION_BITS": bits}
    done = home.run("ngram", "--data", home.text, env=env, code=None)
    refused(done, 2, "[LLM_ACTIVATION_BITS]", "8, 16, 24 or 32", f'"{bits}"')
