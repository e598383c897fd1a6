# SPDX-License-Identifier: MIT
"""nanoGPT's CPU configuration on Shakespeare, beside nanoGPT's own loss.

nanoGPT's README publishes a sampled validation loss of 1.88 after 2000 steps
(1.8857 when run again). Also: the loss over the whole validation split, which
sampling only estimates, and the ladder of counting models on the same text.
One seed says little (the spread is in the result), so --torch-python trains
the same recipe in PyTorch as often and compares the means.
"""

import argparse
import json
import math
import pathlib
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

from support.record import Measurement, metrics, run_simple_llm

PUBLISHED, MEASURED, TOLERANCE = 1.88, 1.8857, 0.03
SEEDS = [1337, *range(1, 16)]
LOSSES = ("val_loss_sampled", "val_loss_full", "val_loss_sliding")
KEPT = ("steps", "train_loss", *LOSSES, "tokens_per_s", "seconds")
KEPT += ("peak_bytes", "saved_step")
SUPPORT = pathlib.Path(__file__).resolve().parent / "support"


def one_run(seed, threads):
    with tempfile.TemporaryDirectory() as folder:
        args = ["train", "--preset", "nano", "--data", "tiny-shakespeare"]
        args += ["--seed", seed, "--threads", threads]
        said = run_simple_llm([*args, "--out", folder + "/nano", "--json"])
        head, steps = metrics(folder + "/nano")
    curve = [
        [s["step"], s["val_loss_sampled"]]
        for s in steps
        if "val_loss_sampled" in s
    ]
    print(
        f"seed {seed}: {said['val_loss_sampled']:.4f} sampled, "
        f"{said['val_loss_full']:.4f} full, {said['seconds']:.0f} s",
        flush=True,
    )
    run = {"seed": seed, **{key: said[key] for key in KEPT}, "curve": curve}
    return run, head["ladder"]


def torch_run(python, data, seed, threads):
    command = [python, str(SUPPORT / "torch_nano.py"), "--data", data]
    command += ["--seed", str(seed), "--threads", str(threads)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    run = json.loads(done.stdout)
    print(
        f"PyTorch, seed {seed}: {run['val_loss_sampled']:.4f} sampled, "
        f"{run['val_loss_full']:.4f} full",
        flush=True,
    )
    return run


def mean_and_error(runs, key):
    """Mean over the seeds, and the standard error of that mean."""
    values = [run[key] for run in runs]
    if len(values) < 2:
        return values[0], None
    spread = statistics.stdev(values) / math.sqrt(len(values))
    return statistics.mean(values), spread


def beside_torch(ours, theirs):
    """How far the mean losses of the full split lie apart, and how far chance
    alone puts them (two standard errors)."""
    (a, a_error), (b, b_error) = (
        mean_and_error(runs, "val_loss_full") for runs in (ours, theirs)
    )
    return {
        "runs": theirs,
        "mean": {key: mean_and_error(theirs, key)[0] for key in LOSSES[:2]},
        "standard_error": {
            key: mean_and_error(theirs, key)[1] for key in LOSSES[:2]
        },
        "full_difference": a - b,
        "full_difference_chance": 2 * math.hypot(a_error, b_error),
    }


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument(
        "--jobs", type=int, default=1, help="runs side by side (default 1)"
    )
    parser.add_argument(
        "--torch-python", help="a Python with torch: the same recipe there"
    )
    parser.add_argument(
        "--data", help="tiny-shakespeare as a file, for --torch-python"
    )
    args = parser.parse_args()
    if args.torch_python and not (args.data and len(args.seeds) > 1):
        parser.error("--torch-python needs --data and at least two --seeds")
    for option in ("--torch-python", "--data"):  # paths are nobody's business
        if option in sys.argv:
            sys.argv[sys.argv.index(option) + 1] = option[2:].upper()
    return args


def main():
    args = parse()
    measurement = Measurement("nano_loss", args.threads)
    with ThreadPoolExecutor(args.jobs) as pool:
        pairs = list(pool.map(lambda s: one_run(s, args.threads), args.seeds))
        runs, ladder = [run for run, _ in pairs], pairs[0][1]
        theirs = []
        if args.torch_python:
            theirs = list(
                pool.map(
                    lambda seed: torch_run(
                        args.torch_python, args.data, seed, args.threads or 2
                    ),
                    args.seeds,
                )
            )
    mean = {key: mean_and_error(runs, key)[0] for key in (*LOSSES, "seconds")}
    bar = next(r for r in ladder if (r["model"], r["n"]) == ("witten-bell", 5))
    result = {
        "nanogpt_published": PUBLISHED,
        "nanogpt_measured": MEASURED,
        "mean": mean,
        "standard_error": {key: mean_and_error(runs, key)[1] for key in LOSSES},
        "runs": runs,
        "witten_bell_5": bar["val_nats_per_char"],
        "ladder": ladder,
    }
    near = abs(mean["val_loss_sampled"] - PUBLISHED) <= TOLERANCE
    holds = {f"sampled loss within {TOLERANCE} of 1.88": near}
    if theirs:
        torch = result["torch"] = beside_torch(runs, theirs)
        holds["full split: as PyTorch's but for chance"] = (
            abs(torch["full_difference"]) <= torch["full_difference_chance"]
        )
    return measurement.save(result, holds)


if __name__ == "__main__":
    sys.exit(main())
