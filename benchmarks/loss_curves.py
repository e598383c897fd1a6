# SPDX-License-Identifier: MIT
"""Whether our CPU operations train the same model: the loss of every step of a
short training with them and with MLX's own (LLM_FAST_CPU=0), from one seed.
Also with products in bfloat16, where the processor has them. For nano every
loss is compared. The shakespeare preset's large rate and Muon make any rounding
grow: --control shows how far plain MLX is from itself when OpenBLAS adds in
another order. There means of 50 steps are compared.
"""

import argparse
import pathlib
import sys
import tempfile

from support.record import Measurement, cores, metrics, program
from support.training import train_until

LIMITS = {"kernels": 1e-3, "bf16": 1e-2}  # from the loss of plain MLX
SOME = 50  # steps of a mean
RUNS = {
    "plain": ("--no-bf16", {"LLM_FAST_CPU": "0"}),
    "kernels": ("--no-bf16", {"LLM_FAST_CPU": "1"}),
    "bf16": ("--bf16", {"LLM_FAST_CPU": "1"}),
    "other_blas": (
        "--no-bf16",
        {"LLM_FAST_CPU": "0", "OPENBLAS_CORETYPE": "Haswell"},
    ),
}


def has_bf16_products():
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return "avx512_bf16" in text


def losses(preset, name, args):
    """Of each step."""
    dtype, environment = RUNS[name]
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / preset
        command = [program(), "train", "--preset", preset, "--out", str(out)]
        command += ["--data", "tiny-shakespeare", "--seed", str(args.seed)]
        command += ["--steps", str(args.steps), "--eval-every", "0"]
        command += ["--sample-every", "0", "--checkpoint-every", "0"]
        command += ["--threads", str(args.threads), dtype]
        train_until(args.steps, command, out, **environment)
        lines = metrics(out)[1][: args.steps]
    last = lines[-1]
    seconds = last["seconds"]
    print(f"{preset}, {name}: {last['loss']:.4f}, {seconds:.0f} s", flush=True)
    return [line["loss"] for line in lines]


def mean(values):
    return sum(values) / len(values)


def compare(curve, plain):
    """The largest difference of a loss, where it is, and that of the means of
    SOME steps."""
    gaps = [abs(a - b) for a, b in zip(curve, plain)]
    starts = range(0, len(plain), SOME)
    means = [
        abs(mean(curve[i : i + SOME]) - mean(plain[i : i + SOME]))
        for i in starts
    ]
    return {
        "largest": max(gaps),
        "at_step": gaps.index(max(gaps)) + 1,
        "mean": mean(gaps),
        "largest_of_means": max(means),
    }


def claims(preset, gaps):
    """What must hold, and whether it does."""
    holds = {}
    for name in LIMITS.keys() & gaps.keys():
        limit = LIMITS[name]
        what, key = "every loss", "largest"
        if preset == "shakespeare":
            what, key = f"means of {SOME} losses", "largest_of_means"
        claim = f"{preset}, {name}: {what} within {limit:g} of plain MLX's"
        holds[claim] = gaps[name][key] <= limit
    return dict(sorted(holds.items()))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1337)
    parser.add_argument("--presets", nargs="+", default=["nano", "shakespeare"])
    parser.add_argument(
        "--control",
        action="store_true",
        help="also plain MLX with another kernel of OpenBLAS (x86)",
    )
    parser.add_argument("--threads", type=int, default=cores())
    args = parser.parse_args()
    if args.steps < 1:
        parser.error("at least one step")
    measurement = Measurement("loss_curves", args.threads)
    names = ["plain", "kernels"]
    names += ["bf16"] if has_bf16_products() else []
    names += ["other_blas"] if args.control else []
    result, holds = {"steps": args.steps, "seed": args.seed}, {}
    for preset in args.presets:
        curves = {name: losses(preset, name, args) for name in names}
        gaps = {n: compare(curves[n], curves["plain"]) for n in names[1:]}
        result[preset] = {"differences": gaps, "losses": curves}
        holds |= claims(preset, gaps)
        for name, gap in gaps.items():
            print(f"{preset}, {name}: {gap}", flush=True)
    return measurement.save(result, holds)


if __name__ == "__main__":
    sys.exit(main())
