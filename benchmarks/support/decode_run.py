# SPDX-License-Identifier: MIT
"""What the peers' decoding scripts share: their options, the clock, and the
JSON that they print. A peer is two functions: load() -> state, and
step(state, ids, restart) -> the likeliest next token.
"""

import argparse
import json
import sys
import time

import resident


def parse(*flags):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--prompt", type=json.loads, required=True, help="ids")
    parser.add_argument("--tokens", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--device", default="cpu")
    for flag in flags:
        parser.add_argument(flag, action="store_true")
    return parser.parse_args()


def measure(args, load, step):
    clock = time.perf_counter
    before, begin = resident.now(), clock()
    state = load()
    step(state, args.prompt[:1], restart=True)
    loaded = clock()
    ids = [step(state, args.prompt, restart=True)]
    read = clock()
    while len(ids) < args.tokens:
        ids.append(step(state, ids[-1:], restart=False))
    said = {
        "load_seconds": loaded - begin,
        "prefill_seconds": read - loaded,
        "decode_seconds": clock() - read,
        "memory_bytes": resident.peak() - before,
        "ids": ids,
    }
    json.dump(said, sys.stdout)
