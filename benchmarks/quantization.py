# SPDX-License-Identifier: MIT
"""What fewer bits cost in quality: the loss of the default model, trained here,
and of SmolLM2-135M with their matrices packed into 8 to 2 bits, beside float32;
and of SmolLM2 with a packed cache. The course's SmolLM2 comes in 4 bits: its
"float32" is that file unpacked, so its figures are the cost of packing it once
more, in another grid, and not that of the first packing.
"""

import argparse
import json
import subprocess
import sys

from support import smollm2, tales
from support.record import Measurement, cores, program
from support.texts import shakespeare

SMALL, LARGE = "tales", "smollm2"


def name_of(p):
    name = f"{p['bits']} bits, groups of {p['group_size']}"
    if p["embedding_bits"] != p["bits"]:
        name += f", embedding in {p['embedding_bits']}"
    return name


def measure(model, data, args, *options):
    command = [program("quantization"), "--model", str(model)]
    command += ["--data", str(data), "--threads", str(args.threads)]
    command += [str(option) for option in options]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"quantization ended with {done.returncode}")
    result = json.loads(done.stdout)
    result["by_setting"] = {name_of(p): p for p in result["packed"]}
    del result["packed"]
    if "cache" in result:
        cache = {f"{c['bits']} bits": c for c in result["cache"]}
        result["cache"] = cache
    return result


def claims(result):
    """{what is said: whether it holds}"""
    holds = {}
    for name, found in result.items():
        cost = {
            bits: found["by_setting"][f"{bits} bits, groups of 32"]["more_nats"]
            for bits in (8, 4, 2)
        }
        holds[f"{name}: 8 bits cost at most 1 % of perplexity"] = cost[8] < 0.01
        holds[f"{name}: fewer bits cost more"] = cost[8] < cost[4] < cost[2]
    return holds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=4096, help="of SmolLM2")
    parser.add_argument(
        "--characters", type=int, default=65536, help="of tales"
    )
    parser.add_argument("--threads", type=int, default=cores())
    args = parser.parse_args()
    measurement = Measurement("quantization", args.threads)
    result = {}
    options = ["--tokens", args.characters, "--batch", 16]
    result[SMALL] = measure(
        tales.model(args.threads), tales.DATA, args, *options
    )
    options = ["--tokens", args.tokens, "--block", 512]
    options += ["--cache-tokens", min(args.tokens, 2048)]
    result[LARGE] = measure(
        smollm2.gguf_file("q4"), shakespeare(), args, *options
    )
    return measurement.save(result, claims(result))


if __name__ == "__main__":
    sys.exit(main())
