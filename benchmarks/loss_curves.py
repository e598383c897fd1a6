# SPDX-License-Identifier: MIT
"""Whether our CPU operations train the same model: the loss of every step of a
short training with them and with MLX's own (LLM_FAST_CPU=0), from one seed.
Also with products in bfloat16, where the processor has them. For nano and for
the modern decoder of the shakespeare preset, with its dropout and Muon.
"""

import argparse
import pathlib
import sys
import tempfile

from support.record import Measurement, cores, metrics, program
from support.training import train_until

FLOAT32, BF16 = 1e-3, 1e-2  # how far a loss may be from that of plain MLX
RUNS = {
    "plain": ("0", "--no-bf16"),
    "kernels": ("1", "--no-bf16"),
    "bf16": ("1", "--bf16"),
}


def has_bf16_products():
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return "avx512_bf16" in text


def losses(preset, name, args):
    """Of each step."""
    fast, dtype = RUNS[name]
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / preset
        command = [program(), "train", "--preset", preset, "--out", str(out)]
        command += ["--data", "tiny-shakespeare", "--seed", str(args.seed)]
        command += ["--steps", str(args.steps), "--eval-every", "0"]
        command += ["--sample-every", "0", "--checkpoint-every", "0"]
        command += ["--threads", str(args.threads), dtype]
        train_until(args.steps, command, out, LLM_FAST_CPU=fast)
        lines = metrics(out)[1][: args.steps]
    last = lines[-1]
    seconds = last["seconds"]
    print(f"{preset}, {name}: {last['loss']:.4f}, {seconds:.0f} s", flush=True)
    return [line["loss"] for line in lines]


def compare(curves, name):
    """The largest difference to the plain curve, and where it is."""
    gaps = [abs(a - b) for a, b in zip(curves[name], curves["plain"])]
    return {
        "largest": max(gaps),
        "at_step": gaps.index(max(gaps)) + 1,
        "mean": sum(gaps) / len(gaps),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1337)
    parser.add_argument("--presets", nargs="+", default=["nano", "shakespeare"])
    parser.add_argument("--threads", type=int, default=cores())
    args = parser.parse_args()
    if args.steps < 1:
        parser.error("at least one step")
    measurement = Measurement("loss_curves", args.threads)
    names = [n for n in RUNS if n != "bf16" or has_bf16_products()]
    result, holds = {"steps": args.steps, "seed": args.seed}, {}
    for preset in args.presets:
        curves = {name: losses(preset, name, args) for name in names}
        gaps = {name: compare(curves, name) for name in names[1:]}
        result[preset] = {"differences": gaps, "losses": curves}
        for name, gap in gaps.items():
            limit = BF16 if name == "bf16" else FLOAT32
            claim = (
                f"{preset}, {name}: every loss within {limit:g} of plain MLX's"
            )
            holds[claim] = gap["largest"] <= limit
            print(f"{preset}, {name}: {gap}", flush=True)
    return measurement.save(result, holds)


if __name__ == "__main__":
    sys.exit(main())
