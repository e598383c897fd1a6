# SPDX-License-Identifier: MIT
"""nanoGPT's GPU configuration on an NVIDIA GPU: the time of a training step beside
PyTorch (eager, compiled, with CUDA graphs, bfloat16 and TF32), and the loss that
whole runs reach, beside nanoGPT's 1.4697.

6 layers, 6 heads, 384 wide, windows of 256, batches of 64, dropout 0.2. A step
is the mean over many, as nobody waits between two of them, and after hundreds
that warm up: a run has thousands. Each contender runs once before it is timed:
MLX and PyTorch compile their kernels then and keep them.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from support.peers import Peers, add_option, run_script
from support.record import Measurement, metrics, need_gpu, program
from support.rounds import Task, best, summarize, table, take_turns
from support.texts import shakespeare

CASE = "nanoGPT step"
PUBLISHED, BAR = 1.4697, 1.47
SHAPE = ("--preset nano --layers 6 --heads 6 --width 384 --block 256"
         " --batch 64 --dropout 0.2").split()  # fmt: skip
TORCH = {
    "torch_eager_tf32": ["--dtype", "fp32"],
    "torch_eager_bf16": ["--dtype", "bf16"],
    "torch_compile_bf16": ["--compile", "default"],
    "torch_graphs_bf16": ["--compile", "reduce-overhead"],
    "torch_autotune_bf16": ["--compile", "max-autotune"],
}


def command(out, *options):
    words = [program(), "train", *SHAPE, "--device", "gpu", "--out", str(out)]
    words += ["--data", str(shakespeare()), "--json", *map(str, options)]
    return words


def run(words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        print(done.stderr[-500:], file=sys.stderr)
        return None
    return json.loads(done.stdout.splitlines()[-1])


def cpp(args, *options):
    """A step's time, and the memory of a run that looks at nothing."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "run"
        quiet = ["--eval-every", 0, "--sample-every", 0]
        quiet += ["--checkpoint-every", 0, "--steps", args.steps]
        said = run(command(out, *quiet, *options))
        if said is None:
            return None
        steps = metrics(out)[1]
    first, last = steps[args.skip - 1], steps[-2]  # after the last one it looks
    count = last["step"] - first["step"]
    return {"ms": 1e3 * (last["seconds"] - first["seconds"]) / count}


def torch(args, peers, options):
    options = ["--data", shakespeare(), "--steps", args.steps, *options]
    options += ["--skip", args.skip]
    said = run_script(peers.python, "torch_gpu.py", 8, *options)
    return said and {"ms": 1e3 * said["seconds"]}


def contenders(args, peers):
    out = {
        "cpp": lambda: cpp(args),
    }
    if peers.has("torch"):
        for name in args.torch:
            out[name] = lambda o=TORCH[name]: torch(args, peers, o)
    return out


def whole_run(seed, args):
    """The best sampled loss on the validation text, as nanoGPT counts."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "run"
        begin = time.monotonic()
        options = ["--seed", seed, "--steps", args.run_steps]
        options += ["--eval-every", 250, "--eval-batches", 200]
        options += ["--sample-every", 0, "--checkpoint-every", 1000]
        said = run(command(out, *options))
        if said is None:
            sys.exit("simple_llm train failed")
        seconds = time.monotonic() - begin
        curve = [
            [s["step"], s["val_loss_sampled"]]
            for s in metrics(out)[1]
            if "val_loss_sampled" in s
        ]
    step, loss = min(curve, key=lambda point: point[1])
    print(f"seed {seed}: best {loss:.4f} at step {step}, {seconds:.0f} s",
          flush=True)  # fmt: skip
    return {
        "seed": seed,
        "best_val_loss_sampled": loss,
        "best_step": step,
        "seconds": seconds,
        "peak_bytes": said["peak_bytes"],
        "curve": curve,
    }


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=1000, help="of a timing")
    parser.add_argument("--skip", type=int, default=500, help="to warm up")
    parser.add_argument("--torch", nargs="*", choices=TORCH, default=[*TORCH])
    parser.add_argument("--seeds", type=int, nargs="*", default=[1337, 1, 2])
    parser.add_argument("--run-steps", type=int, default=5000)
    add_option(parser)
    args = parser.parse_args()
    if args.rounds < 1 or args.steps <= args.skip + 2 or args.skip < 1:
        parser.error("at least one round, and more --steps than --skip")
    return args


def main():
    args = parse()
    need_gpu()
    peers = Peers(args.peers_python, "torch")
    measurement = Measurement("gpu_train", 0, **peers.versions)
    found = contenders(args, peers)
    for name, once in found.items():
        print(f"first run of {name}", flush=True)
        once()
    tasks = [Task(CASE, name, once) for name, once in found.items()]
    rounds = take_turns(tasks, args.rounds)
    summary = summarize(rounds)
    print(table(summary))
    ms = summary[CASE]["ms"]
    result = {"rounds": rounds, "milliseconds": ms["values"]}
    result["ratios"] = ms["ratios"]
    result["nanogpt_published"] = PUBLISHED
    holds = {}
    if any(name.startswith("torch") for name in ms["ratios"]):
        fastest = best(ms, "ms", "torch")
        result["best_torch"] = fastest
        holds["a step takes no longer than PyTorch's best"] = (
            fastest["median"] >= 1
        )
    status = measurement.save(result, holds)
    for seed in args.seeds:  # saved after each: they are long
        runs = result.setdefault("runs", [])
        runs.append(whole_run(seed, args))
        losses = [r["best_val_loss_sampled"] for r in runs]
        result["mean_best_val_loss_sampled"] = statistics.mean(losses)
        claim = f"best sampled validation loss at most {BAR}, every seed"
        holds[claim] = max(losses) <= BAR
        status = measurement.save(result, holds)
    return status


if __name__ == "__main__":
    sys.exit(main())
