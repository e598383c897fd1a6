# SPDX-License-Identifier: MIT
"""The model that `./tutorial start` trains, for benchmarks that need one:
trained once and kept in the home's cache/bench.
"""

import subprocess
import sys

from support.record import program
from support.smollm2 import cache

DATA = "tiny-tales"


def model(threads=0, seed=1337):
    """Its folder."""
    folder = cache() / f"tales-{seed}"
    if not (folder / "model.safetensors").is_file():
        command = [program(), "train", "--out", str(folder)]
        command += ["--seed", str(seed), "--threads", str(threads)]
        done = subprocess.run(command, stdout=subprocess.DEVNULL)
        if done.returncode != 0:
            sys.exit(f"simple_llm train ended with {done.returncode}")
    return folder
