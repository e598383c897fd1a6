# SPDX-License-Identifier: MIT
"""What our CPU operations cost in quality: SmolLM2-135M in 4 bits with them
(activations of 24 bits, the default, of 16 and of 8) and with MLX's own. Logits of eight prompts of 5 to 200 tokens, read at once and
token by token: the largest difference at a place over the range of the logits
there. And the perplexity of the beginning of tiny-shakespeare. Plain MLX reads
some ten tokens a second, so this takes minutes; --tokens makes it shorter.
"""

import argparse
import json
import subprocess
import sys

from support import smollm2
from support.record import Measurement, cores, program
from support.texts import shakespeare

ERROR, PERPLEXITY = 1e-3, 1e-3  # of the logits' range; of the plain perplexity


def worst(result, bits, reading):
    return max(p[bits][reading]["error_of_range"] for p in result["prompts"])


def change(result, bits, reading):
    perplexity = result["perplexity"]
    return perplexity[bits][reading] / perplexity["plain"] - 1


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--precision", default="q4", choices=smollm2.PRECISIONS)
    parser.add_argument(
        "--tokens", type=int, default=2048, help="of the perplexity"
    )
    parser.add_argument("--threads", type=int, default=cores())
    args = parser.parse_args()
    measurement = Measurement("fused_quality", args.threads)
    command = [program("fused_quality"), "--tokens", str(args.tokens)]
    command += ["--model", str(smollm2.gguf_file(args.precision))]
    command += ["--text", str(shakespeare()), "--threads", str(args.threads)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"fused_quality ended with {done.returncode}")
    result = {"precision": args.precision, **json.loads(done.stdout)}
    result["worst"], holds = {}, {}
    for i, bits in enumerate(map(str, result["activation_bits"])):
        for reading in ("prefill", "decode"):
            error = worst(result, bits, reading)
            changed = change(result, bits, reading)
            result["worst"][f"{bits} bits, {reading}"] = {
                "error_of_range": error,
                "perplexity_change": changed,
            }
            print(
                f"{bits} bits, {reading}: logits {error:.1e} of their range, "
                f"perplexity {changed:+.4%}"
            )
            if i == 0:  # the default; fewer bits are measured, not promised
                holds[f"{reading}: logits within 1e-3 of their range"] = (
                    error <= ERROR
                )
                holds[f"{reading}: perplexity within 0.1 %"] = (
                    abs(changed) <= PERPLEXITY
                )
    return measurement.save(result, holds)


if __name__ == "__main__":
    sys.exit(main())
