# SPDX-License-Identifier: MIT
"""The time to load SmolLM2-135M, and the memory it takes: from the call that
loads model and tokenizer until the first token after a prompt of one token.
Files are in the system's cache, for everyone.
"""

import argparse
import sys

from support import decoding, smollm2
from support.peers import Peers, add_option
from support.record import Measurement, cores, version
from support.rounds import Task, summarize, table, take_turns


def figures(run):
    """Without the token that it wrote."""
    said = run()
    return said and {k: v for k, v in said.items() if k != "ids"}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=cores())
    add_option(parser)
    args = parser.parse_args()
    if args.rounds < 1:
        parser.error("at least one round")
    peers = Peers(
        args.peers_python, "llama-cpp-python", "torch", "transformers"
    )
    measurement = Measurement(
        "load", args.threads, mlx_lm=version("mlx-lm"), **peers.versions
    )
    tasks = []
    for precision in smollm2.PRECISIONS:
        work = decoding.Work(precision, 1, 1, args.threads)
        for name, run in decoding.contenders(work, peers).items():
            if not name.endswith("_flash"):  # it changes no loading
                tasks.append(Task(precision, name, lambda r=run: figures(r)))
    rounds = take_turns(tasks, args.rounds)
    summaries = summarize(rounds)
    print(table(summaries))
    return measurement.save({"rounds": rounds, "summary": summaries}, {})


if __name__ == "__main__":
    sys.exit(main())
