# SPDX-License-Identifier: MIT
"""The time of one training step of the nano preset: this project's C++, Python
MLX, and PyTorch if it is installed. A ratio above 1 means that the other one is
slower than the C++ program.
"""

import argparse
import json
import statistics
import sys

from support import training
from support.peers import Peers, add_option, openblas
from support.record import Measurement, cores
from support.rounds import Task, best, summarize, table, take_turns

CASE = "nano step"


def contenders(args, peers):
    """{name: () -> seconds of each step, or None}"""
    steps, threads = args.steps, args.threads

    def torch(*options):
        said = training.torch(peers.python, steps, threads, *options)
        return said and said["seconds"]

    out = {
        "cpp": lambda: training.cpp(steps, threads),
        "cpp_bf16": lambda: training.cpp(steps, threads, options=["--bf16"]),
        "cpp_plain": lambda: training.cpp(steps, threads, kernels=False),
        "mlx_python": lambda: training.mlx(steps, threads),
        "mlx_python_compile": lambda: training.mlx(steps, threads, "--compile"),
    }
    if openblas():
        few = args.skip + 5
        out["mlx_python_own_blas"] = lambda: training.mlx(
            few, threads, blas=False
        )
    if peers.has("torch"):
        out["torch"] = lambda: torch()
        out["torch_compile"] = lambda: torch("--compile")
    if sys.platform == "darwin":  # there the others run on the GPU
        out["cpp_cpu"] = lambda: training.cpp(steps, threads, device="cpu")
        del out["cpp_plain"]
        if peers.has("torch"):
            out["torch_mps"] = lambda: torch("--device", "mps")
    return out


def milliseconds(measure, skip):
    """The median after the steps that warm up."""
    seconds = measure()
    return seconds and {"ms": 1e3 * statistics.median(seconds[skip:])}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--skip", type=int, default=20, help="steps to warm up")
    parser.add_argument("--threads", type=int, default=cores())
    add_option(parser)
    args = parser.parse_args()
    if args.rounds < 1 or args.steps <= args.skip:
        parser.error("at least one round, and more --steps than --skip")
    peers = Peers(args.peers_python, "torch")
    measurement = Measurement("step_time", args.threads, **peers.versions)
    tasks = [
        Task(CASE, name, lambda run=run: milliseconds(run, args.skip))
        for name, run in contenders(args, peers).items()
    ]
    rounds = take_turns(tasks, args.rounds)
    summary = summarize(rounds)
    print(table(summary))
    found = summary[CASE]["ms"]
    result = {"rounds": rounds, "milliseconds": found["values"]}
    result["ratios"] = found["ratios"]
    families = {f: best(found, "ms", f) for f in ("mlx_python", "torch")}
    result["best"] = {f: b for f, b in families.items() if b}
    print(json.dumps(result["best"], indent=2))
    holds = {}
    if families["mlx_python"]:
        ratio = families["mlx_python"]["median"]
        holds["no slower than Python MLX (within 5 %)"] = ratio >= 0.95
    return measurement.save(result, holds)


if __name__ == "__main__":
    sys.exit(main())
