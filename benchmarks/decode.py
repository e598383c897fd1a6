# SPDX-License-Identifier: MIT
"""Decoding and prefill of SmolLM2-135M: tokens a second and memory beside
llama.cpp, mlx-lm and PyTorch, for float32, 8 and 4 bits, by threads and length
of the context. llama.cpp is tried with and without flash attention and, in 4
bits, with two files; its best setting counts.
"""

import argparse
import sys

from support import decoding, smollm2
from support.peers import Peers, add_option
from support.record import Measurement, cores, version
from support.rounds import Task, best, summarize, table, take_turns, worst_ratio

PREFILLS = (256, 1024)  # the lengths whose prefill is claimed
FAMILIES = ("llama", "mlx_lm", "torch")
NARROW = decoding.NARROW
DECODE, PREFILL = "decode_tokens_per_s", "prefill_tokens_per_s"


def case_name(precision, threads, context):
    some = "thread" if threads == 1 else "threads"
    return f"{precision}, {threads} {some}, {context} tokens"


def tasks_of(args, peers, written):
    """`written` gets the ids that each one wrote."""
    tasks = []
    for precision in args.precisions:
        for threads in args.threads:
            for context in args.contexts:
                case = case_name(precision, threads, context)
                work = decoding.Work(precision, context, args.tokens, threads)
                found = decoding.contenders(
                    work, peers, context <= args.mlx_context
                )
                for name, run in found.items():
                    key = (case, name)
                    tasks.append(Task(*key, keep_ids(run, written, key)))
    return tasks


def keep_ids(run, written, key):
    def figures():
        said = run()
        if said is not None:
            written[key] = said.pop("ids")
        return said

    return figures


def agreement(written):
    """How many of the first tokens are ours, of those who decode the same."""
    out = {}
    for (case, name), ids in written.items():
        ours = written.get((case, "cpp"))
        if ours and name != "cpp":
            same = [a == b for a, b in zip(ours, ids)] + [False]
            out.setdefault(case, {})[name] = same.index(False)
    return out


def claims(args, summaries, ours=""):
    """What is claimed of 4 bits, in its worst case."""

    def cases(contexts):
        names = [
            case_name("q4", threads, context)
            for threads in args.threads
            for context in contexts
            if "q4" in args.precisions and context in args.contexts
        ]
        return [n for n in names if DECODE in summaries.get(n, {})]

    wanted = [
        (f"4 bits{ours}: decodes at least 1.5 times as fast as llama.cpp",
         DECODE, cases(args.contexts), 1.5),
        (f"4 bits{ours}: reads 256 and 1024 tokens at least as fast as llama.cpp",
         PREFILL, cases(PREFILLS), 1.0),
        (f"4 bits{ours}: no more memory than llama.cpp",
         "memory_mib", cases(args.contexts), 1.0),
    ]  # fmt: skip
    holds = {}
    for claim, figure, names, least in wanted:
        ratio = worst_ratio(summaries, figure, "llama", names)
        if ratio is not None:
            holds[claim] = ratio >= least
    return holds


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--precisions", nargs="+", choices=smollm2.PRECISIONS,
        default=list(smollm2.PRECISIONS),
    )  # fmt: skip
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument(
        "--contexts", type=int, nargs="+", default=[128, 256, 512, 1024, 2048]
    )
    parser.add_argument("--tokens", type=int, default=64, help="to write")
    parser.add_argument(
        "--mlx-context", type=int, default=256,
        help="the longest for mlx-lm, which reads packed weights slowly",
    )  # fmt: skip
    parser.add_argument(
        "--save", choices=["decode", "decode_contexts"], default="decode",
        help="name of the result file",
    )  # fmt: skip
    add_option(parser)
    args = parser.parse_args()
    if args.rounds < 1 or args.tokens < 2 or min(args.contexts) < 1:
        parser.error("at least one round, two --tokens, --contexts above 0")
    return args


def main():
    args = parse()
    peers = Peers(
        args.peers_python, "llama-cpp-python", "torch", "transformers"
    )
    measurement = Measurement(
        "decode", max(args.threads), mlx_lm=version("mlx-lm"), **peers.versions
    )
    measurement.name = args.save
    written = {}
    rounds = take_turns(tasks_of(args, peers, written), args.rounds)
    summaries = summarize(rounds)
    print(table(summaries))
    result = {"rounds": rounds, "tokens": args.tokens}
    result["same_first_tokens"] = agreement(written)
    return measurement.save(*judged(args, result))


def judged(args, result):
    """The result with its summaries, and the claims: with activations as
    exact as float32, with 16 bits, and with 8 as llama.cpp."""
    summaries = summarize(result["rounds"])
    result |= {"summary": summaries, "best": bests(summaries)}
    holds = claims(args, summaries)
    for bits in NARROW:
        narrow = summarize(result["rounds"], f"cpp_{bits}bit")
        result[f"best_{bits}bit"] = bests(narrow)
        holds |= claims(args, narrow, f", activations of {bits} bits")
    return result, holds


def bests(summaries):
    """{case: {figure: {family: its best setting}}}"""
    return {
        case: {
            figure: {f: best(s, figure, f) for f in FAMILIES}
            for figure, s in found.items()
        }
        for case, found in summaries.items()
    }


if __name__ == "__main__":
    sys.exit(main())
