# SPDX-License-Identifier: MIT
"""Byte-pair encoding on one thread: MB/s of encoding beside tiktoken and
Hugging Face tokenizers, with merges of our own and with SmolLM2's, and of
learning merges beside Hugging Face's trainer. All of them must give the same
ids, or the same merges, before anything is timed.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

from support import smollm2
from support.peers import Peers, add_option, run_script
from support.record import Measurement, program, version
from support.rounds import Task, summarize, table, take_turns, worst_ratio
from support.texts import shakespeare

# Ids must be equal on this too: digits, spaces before them, other letters.
HARD = "It's 1999:   2 x 3.14  = 6.28\n\n\t 4 naïve 東京 🙂 I'll don't  \n 5 \n"
FIGURE = "mb_per_s"


def bpe_speed(what, *arguments):
    command = [program("bpe_speed"), what, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else None


def peer(python, what, *arguments):
    environment = {"TOKENIZERS_PARALLELISM": "false"}
    return run_script(python, "peer_bpe.py", 1, what, *arguments, **environment)


def encoders(tokenizer, pattern, peers):
    """{name: (text file, repeats) -> what it prints}"""
    given = ["--tokenizer", tokenizer]
    hugging_face = ("tokenizers", *given)
    out = {
        "cpp": lambda *o: bpe_speed("encode", *given, *o),
        "tokenizers": lambda *o: peer(sys.executable, *hugging_face, *o),
        "tokenizers_fast": lambda *o: peer(
            sys.executable, *hugging_face, "--fast", *o
        ),
    }
    if peers.has("tiktoken"):
        more = ("tiktoken", *given, "--pattern", pattern)
        out["tiktoken"] = lambda *o: peer(peers.python, *more, *o)
    return out


def trainers(vocab_size):
    size = ["--vocab-size", vocab_size]
    return {
        "cpp": lambda *o: bpe_speed("train", *size, *o),
        "tokenizers": lambda *o: peer(sys.executable, "train", *size, *o),
    }


def differing(runs, text):
    """Those whose ids or merges are not ours."""
    said = {
        name: run("--text", text, "--repeats", 1) for name, run in runs.items()
    }
    if said["cpp"] is None:
        sys.exit("bpe_speed failed")
    return [
        name
        for name, answer in said.items()
        if answer is None or answer["sha256"] != said["cpp"]["sha256"]
    ]


def speed(run, text, repeats):
    said = run("--text", text, "--repeats", repeats)
    if said is None:
        return None
    megabytes = text.stat().st_size / 1e6
    return {FIGURE: megabytes / statistics.median(said["seconds"])}


def tokenizers_in(folder, vocab_size):
    """{case: (tokenizer.json, pattern)}; ours is learned from Shakespeare."""
    size = ["--vocab-size", vocab_size, "--repeats", 1]
    if not bpe_speed("train", "--text", shakespeare(), *size, "--out", folder):
        sys.exit("bpe_speed failed")
    return {
        "encode, our merges": (folder / "tokenizer.json", "gpt2"),
        "encode, SmolLM2's": (
            smollm2.folder("q4") / "tokenizer.json",
            "smollm2",
        ),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=5, help="in a round")
    parser.add_argument("--vocab-size", type=int, default=4096, help="of ours")
    add_option(parser)
    args = parser.parse_args()
    if args.rounds < 1 or args.repeats < 1 or args.vocab_size < 257:
        parser.error("at least one round and repeat, --vocab-size above 256")
    peers = Peers(args.peers_python, "tiktoken")
    measurement = Measurement(
        "bpe", 1, tokenizers=version("tokenizers"), **peers.versions
    )
    text = shakespeare()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        hard = folder / "hard.txt"
        hard.write_text(HARD, encoding="utf-8")
        cases = {
            case: encoders(*given, peers)
            for case, given in tokenizers_in(folder, args.vocab_size).items()
        }
        wrong = [n for runs in cases.values() for n in differing(runs, hard)]
        cases[f"learn {args.vocab_size} tokens"] = trainers(args.vocab_size)
        wrong += [n for runs in cases.values() for n in differing(runs, text)]
        if wrong:
            sys.exit(f"other ids or merges than ours: {', '.join(wrong)}")
        tasks = [
            Task(case, name, lambda r=run: speed(r, text, args.repeats))
            for case, runs in cases.items()
            for name, run in runs.items()
        ]
        rounds = take_turns(tasks, args.rounds)
    summaries = summarize(rounds)
    print(table(summaries))
    holds = {"the same ids and merges as the others": True}
    encoding = [case for case in summaries if case.startswith("encode")]
    ratio = worst_ratio(summaries, FIGURE, "tiktoken", encoding)
    if ratio is not None:
        holds["encodes at least as fast as tiktoken"] = ratio >= 1
    result = {"rounds": rounds, "summary": summaries}
    return measurement.save(result, holds)


if __name__ == "__main__":
    sys.exit(main())
