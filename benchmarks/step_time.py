# SPDX-License-Identifier: MIT
"""The time of one training step of the nano preset: this project's C++, Python
MLX, and PyTorch if it is installed. They take turns, so that a busy machine is
busy for all; what counts is the ratio inside a round. A ratio above 1 means
that the other one is slower than the C++ program.
"""

import argparse
import ctypes.util
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from support.record import Measurement, cores, metrics, program

SUPPORT = pathlib.Path(__file__).parent / "support"
TOKENS = 12 * 64  # in a step


def cpp(steps, threads, kernels=True):
    """simple_llm as people run it, or with MLX's own CPU operations; stopped
    after enough steps."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "nano"
        command = [program(), "train", "--preset", "nano", "--out", str(out)]
        command += ["--eval-every", "0", "--sample-every", "0"]
        command += ["--checkpoint-every", "0", "--threads", str(threads)]
        run = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "LLM_FAST_CPU": "1" if kernels else "0"},
        )
        log = out / "metrics.jsonl"
        while run.poll() is None:
            time.sleep(0.5)
            if log.exists() and log.read_bytes().count(b"\n") > steps:
                run.send_signal(signal.SIGINT)
                break
        error = run.communicate()[1].decode()
        if run.returncode != 0:
            sys.exit(f"simple_llm train failed: {error.splitlines()[-1]}")
        return [TOKENS / s["tokens_per_s"] for s in metrics(out)[1][:steps]]


def python(interpreter, script, steps, threads, *options):
    """The steps as a child process measured them."""
    command = [
        interpreter,
        str(SUPPORT / script),
        "--steps",
        str(steps),
        *options,
    ]
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
    env = {**os.environ, **{name: str(threads) for name in names}}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=env)
    return json.loads(done.stdout) if done.returncode == 0 else None


class Contenders:
    def __init__(self, args):
        self.args = args
        self.torch_version = None
        self.known = {
            "cpp": lambda: cpp(args.steps, args.threads),
            "cpp_plain": lambda: cpp(args.steps, args.threads, kernels=False),
        }
        blas = ["--openblas"] if ctypes.util.find_library("openblas") else []
        self.add_mlx("mlx_python", *blas)
        self.add_mlx("mlx_python_compile", *blas, "--compile")
        if blas:
            self.add_mlx("mlx_python_own_blas", steps=args.skip + 5)
        if self.has_torch():
            self.add_torch("torch")
            self.add_torch("torch_compile", "--compile")

    def add_mlx(self, name, *options, steps=None):
        a = self.args
        self.known[name] = lambda: python(
            sys.executable, "mlx_gpt.py", steps or a.steps, a.threads, *options
        )

    def has_torch(self):
        command = [self.args.torch_python, "-c", "import torch"]
        return (
            subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0
        )

    def add_torch(self, name, *options):
        a = self.args

        def measure():
            options_now = ["--threads", str(a.threads), *options]
            said = python(
                a.torch_python, "torch_gpt.py", a.steps, a.threads, *options_now
            )
            if said is None:
                return None
            self.torch_version = said["torch"]
            return said["seconds"]

        self.known[name] = measure

    def round(self, number):
        """{name: median milliseconds of a step}. Each round has another order."""
        names = list(self.known)
        names = names[number % len(names) :] + names[: number % len(names)]
        medians = {}
        for name in names:
            seconds = self.known[name]()
            if seconds is None:
                print(f"{name}: failed, left out")
                del self.known[name]
                continue
            medians[name] = 1e3 * statistics.median(seconds[self.args.skip :])
            print(
                f"round {number + 1}: {name} {medians[name]:.1f} ms", flush=True
            )
        return medians


def spread(values):
    return {
        "min": min(values),
        "median": statistics.median(values),
        "max": max(values),
    }


def summary(rounds, names):
    """Milliseconds and ratios to C++ of those that ran in every round."""
    names = [n for n in names if all(n in r for r in rounds)]
    out = {"milliseconds": {n: spread([r[n] for r in rounds]) for n in names}}
    out["ratios"] = {
        n: spread([r[n] / r["cpp"] for r in rounds])
        for n in names
        if n != "cpp"
    }
    out["best"] = {}
    for family in ("mlx_python", "torch"):
        of_family = [n for n in names if n.startswith(family)]
        if of_family:
            name = min(
                of_family, key=lambda n: out["milliseconds"][n]["median"]
            )
            out["best"][family] = {"name": name, **out["ratios"][name]}
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--skip", type=int, default=20, help="steps to warm up")
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--torch-python", default=sys.executable)
    args = parser.parse_args()
    if args.rounds < 1 or args.steps <= args.skip:
        parser.error("at least one round, and more --steps than --skip")
    if "--torch-python" in sys.argv:  # where it lies is nobody's business
        sys.argv[sys.argv.index("--torch-python") + 1] = "PYTHON"
    measurement = Measurement("step_time", args.threads)
    contenders = Contenders(args)
    rounds = [contenders.round(i) for i in range(args.rounds)]
    measurement.about["versions"]["torch"] = contenders.torch_version
    result = {"rounds": rounds, **summary(rounds, contenders.known)}
    print(json.dumps(result["best"], indent=2))
    holds = {}
    if "mlx_python" in result["best"]:
        best = result["best"]["mlx_python"]
        holds["no slower than Python MLX (within 5 %)"] = best["median"] >= 0.95
    return measurement.save(result, holds)


if __name__ == "__main__":
    sys.exit(main())
