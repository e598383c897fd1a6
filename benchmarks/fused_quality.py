# SPDX-License-Identifier: MIT
"""What our CPU operations cost in quality: SmolLM2-135M in 4 bits with them and
with MLX's own. Logits of eight prompts of 5 to 200 tokens, read at once and
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


def worst(result, reading):
    return max(p[reading]["error_of_range"] for p in result["prompts"])


def change(perplexity, reading):
    return perplexity[reading] / perplexity["plain"] - 1


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
    perplexity, holds = result["perplexity"], {}
    for reading in ("prefill", "decode"):
        result[f"worst_{reading}"] = worst(result, reading)
        perplexity[f"{reading}_change"] = change(perplexity, reading)
        print(
            f"{reading}: logits {result[f'worst_{reading}']:.1e} of their "
            f"range, perplexity {perplexity[f'{reading}_change']:+.4%}"
        )
        holds[f"{reading}: logits within 1e-3 of their range"] = (
            result[f"worst_{reading}"] <= ERROR
        )
        holds[f"{reading}: perplexity within 0.1 %"] = (
            abs(perplexity[f"{reading}_change"]) <= PERPLEXITY
        )
    return measurement.save(result, holds)


if __name__ == "__main__":
    sys.exit(main())
