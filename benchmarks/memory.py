# SPDX-License-Identifier: MIT
"""Peak resident memory of a nano training step beside PyTorch's, and of
decoding with SmolLM2-135M beside llama.cpp's: the highest value minus the one
before the model is made, mapped pages counted, the same for everyone.
"""

import argparse
import sys

from support import decoding, smollm2, training
from support.peers import Peers, add_option
from support.record import Measurement, cores, version
from support.rounds import Task, summarize, table, take_turns, worst_ratio

TRAINING, FIGURE = "nano training", "memory_mib"


def training_tasks(args, peers):
    def cpp():
        found = training.cpp_memory(args.steps, args.threads)
        return found and {FIGURE: found / decoding.MIB}

    def torch(*options):
        said = training.torch(peers.python, args.steps, args.threads, *options)
        return said and {FIGURE: said["memory_bytes"] / decoding.MIB}

    tasks = [Task(TRAINING, "cpp", cpp)]
    if peers.has("torch"):
        tasks.append(Task(TRAINING, "torch", torch))
        compiled = lambda: torch("--compile")
        tasks.append(Task(TRAINING, "torch_compile", compiled))
    return tasks


def decoding_tasks(args, peers):
    for precision in smollm2.PRECISIONS:
        work = decoding.Work(precision, args.context, args.tokens, args.threads)
        found = decoding.contenders(work, peers, with_mlx=False)
        for name, run in found.items():
            case = f"{precision}, {args.context} tokens"
            yield Task(case, name, lambda r=run: memory(r))


def memory(run):
    said = run()
    return said and {FIGURE: said[FIGURE]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--context", type=int, default=512)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--threads", type=int, default=cores())
    add_option(parser)
    args = parser.parse_args()
    if min(args.rounds, args.steps, args.context) < 1 or args.tokens < 2:
        parser.error("at least one round, step, --context, and two --tokens")
    peers = Peers(
        args.peers_python, "llama-cpp-python", "torch", "transformers"
    )
    measurement = Measurement(
        "memory", args.threads, mlx_lm=version("mlx-lm"), **peers.versions
    )
    tasks = training_tasks(args, peers) + list(decoding_tasks(args, peers))
    rounds = take_turns(tasks, args.rounds)
    summaries = summarize(rounds)
    print(table(summaries))
    decoded = [case for case in summaries if case != TRAINING]
    ratios = {
        "a training step: no more than PyTorch": worst_ratio(
            summaries, FIGURE, "torch", [TRAINING]
        ),
        "decoding: no more than llama.cpp": worst_ratio(
            summaries, FIGURE, "llama", decoded
        ),
    }
    holds = {c: ratio >= 1 for c, ratio in ratios.items() if ratio is not None}
    result = {"rounds": rounds, "summary": summaries}
    return measurement.save(result, holds)


if __name__ == "__main__":
    sys.exit(main())
