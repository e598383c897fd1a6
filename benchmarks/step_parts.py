# SPDX-License-Identifier: MIT
"""What a training step of the nano preset is made of: each kind of operation,
forward and backward, with our CPU operations and with MLX's own, in turns.
Alone an operation finds its numbers in the caches and waits for no other, so
the parts add up to less than the step.
"""

import argparse
import json
import os
import subprocess
import sys

from support.record import Measurement, cores, program
from support.rounds import Task, summarize, table, take_turns

FIGURE = "ms"
WHOLE = "the whole step"
PARTS = (
    "matrix products",
    "attention",
    "gelu",
    "layer norms",
    "loss",
    "embedding",
    "AdamW and clipping",
    WHOLE,
)


def measure(part, args, kernels):
    command = [program("step_parts"), "--part", part]
    command += ["--runs", str(args.runs), "--threads", str(args.threads)]
    environment = {**os.environ, "LLM_FAST_CPU": "1" if kernels else "0"}
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, env=environment
    )
    return json.loads(done.stdout) if done.returncode == 0 else None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=30, help="of each part")
    parser.add_argument("--threads", type=int, default=cores())
    args = parser.parse_args()
    measurement = Measurement("step_parts", args.threads)
    tasks = []
    for part in PARTS:
        for name, kernels in (("cpp", True), ("cpp_plain", False)):
            run = lambda p=part, k=kernels: measure(p, args, k)
            tasks.append(Task(part, name, run))
    rounds = take_turns(tasks, args.rounds)
    summaries = summarize(rounds)
    print(table(summaries))
    parts = {
        part: summaries[part][FIGURE]["values"]["cpp"]["median"]
        for part in PARTS
    }
    whole = parts.pop(WHOLE)
    shares = {part: value / whole for part, value in parts.items()}
    rest = whole - sum(parts.values())
    result = {"share": shares, "rest_ms": rest}
    result.update(rounds=rounds, summary=summaries)
    ratios = {p: summaries[p][FIGURE]["ratios"]["cpp_plain"] for p in PARTS}
    holds = {
        "the whole step: ours is faster than MLX's own": ratios[WHOLE]["min"]
        > 1,
    }
    return measurement.save(result, holds)


if __name__ == "__main__":
    sys.exit(main())
