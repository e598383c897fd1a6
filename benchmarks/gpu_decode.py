# SPDX-License-Identifier: MIT
"""Writing and reading on an NVIDIA GPU beside mlx-lm and PyTorch: models with
random weights of the shapes of SmolLM2-135M and Llama 3.2 1B, in bfloat16, 8 and
4 bits, one text and sixteen. Everyone writes the likeliest tokens several times
in a row; the median after the first counts (PyTorch: the second).
"""

import argparse
import json
import subprocess
import sys
import tempfile

from support import random_llama, smollm2
from support.peers import Peers, add_option, run_script
from support.record import Measurement, need_gpu, program, version
from support.rounds import Task, best, summarize, table, take_turns
from support.texts import prompt

REPEAT = 6
FIGURES = ("tokens_per_s", "prefill_tokens_per_s", "memory_mib")


def figures(said):
    if said is None:
        return None
    return {
        "tokens_per_s": said["tokens_per_s"],
        "prefill_tokens_per_s": said["prefill_tokens_per_s"],
        "memory_mib": said["memory_bytes"] / 2**20,
    }


class Contenders:
    def __init__(self, args, peers, file):
        self.args, self.peers, self.file = args, peers, file
        self.text, self.ids = prompt(
            args.context, smollm2.folder("q4") / "tokenizer.json"
        )
        with open(file, "w", encoding="utf-8") as out:
            out.write(self.text)

    def common(self, model, rows):
        a = self.args
        return ["--model", model, "--text", self.file, "--tokens", a.tokens,
                "--rows", rows, "--repeat", REPEAT]  # fmt: skip

    def cpp(self, model, rows):
        command = [program("writing"), *self.common(model, rows)]
        command += ["--temperature", 0, "--device", "gpu"]
        done = subprocess.run(
            [str(word) for word in command], stdout=subprocess.PIPE, text=True
        )
        return (
            figures(json.loads(done.stdout)) if done.returncode == 0 else None
        )

    def mlx_lm(self, model, rows):
        said = run_script(
            sys.executable, "mlx_gpu_decode.py", 8, *self.common(model, rows)
        )
        return figures(said)

    def torch(self, model, rows, *options):
        words = ["--model", model, "--tokens", self.args.tokens, "--rows", rows]
        words += ["--prompt", json.dumps(self.ids), *options]
        python = self.peers.python
        return figures(run_script(python, "torch_gpu_decode.py", 8, *words))

    def of(self, shape, precision, rows):
        def model():
            return random_llama.folder(shape, precision)

        out = {
            "cpp": lambda: self.cpp(model(), rows),
            "mlx_lm": lambda: self.mlx_lm(model(), rows),
        }
        with_torch = precision == "bf16" and not self.args.no_torch
        if with_torch and self.peers.has("torch", "transformers"):
            out["torch"] = lambda: self.torch(model(), rows)
        return out


def case_name(shape, precision, rows):
    some = "1 text" if rows == 1 else f"{rows} texts"
    return f"{shape}, {precision}, {some}"


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--shapes", nargs="+", choices=random_llama.SHAPES,
        default=[*random_llama.SHAPES],
    )  # fmt: skip
    parser.add_argument(
        "--precisions", nargs="+", choices=random_llama.BITS,
        default=[*random_llama.BITS],
    )  # fmt: skip
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--context", type=int, default=256, help="tokens read")
    parser.add_argument("--tokens", type=int, default=128, help="written")
    parser.add_argument("--no-torch", action="store_true")
    add_option(parser)
    args = parser.parse_args()
    if args.rounds < 1 or args.tokens < 2 or min(args.rows) < 1:
        parser.error("at least one round and row, and two --tokens")
    return args


def found_in(rounds, args):
    """(result, holds) of the rounds so far."""
    summaries = summarize(rounds)
    result = {
        "rounds": rounds,
        "context": args.context,
        "tokens": args.tokens,
        "repeat": REPEAT,
        "summary": summaries,
        "worst": {},
    }
    for peer in ("mlx_lm", "torch"):
        ratios = {
            case: best(found["tokens_per_s"], "tokens_per_s", peer)
            for case, found in summaries.items()
            if "tokens_per_s" in found
        }
        medians = {c: b["median"] for c, b in ratios.items() if b}
        if medians:
            case = min(medians, key=medians.get)
            result["worst"][peer] = {"case": case, "ratio": medians[case]}
    holds = {}
    if "mlx_lm" in result["worst"]:
        claim = "writes at least as fast as mlx-lm in every case"
        holds[claim] = result["worst"]["mlx_lm"]["ratio"] >= 1
    return result, holds


def measure(shape, args, peers, file):
    """All cases of a shape; saved after each round, as gpu_decode_<shape>.json."""
    measurement = Measurement(
        "gpu_decode", 0, mlx_lm=version("mlx-lm"), **peers.versions
    )
    measurement.name = f"gpu_decode_{shape}"
    contenders = Contenders(args, peers, file)
    tasks = [
        Task(case_name(shape, precision, rows), name, run)
        for precision in args.precisions
        for rows in args.rows
        for name, run in contenders.of(shape, precision, rows).items()
    ]
    status = 1

    def save(rounds):
        nonlocal status
        status = measurement.save(*found_in(rounds, args))

    rounds = take_turns(tasks, args.rounds, after=save)
    print(table(summarize(rounds)))
    return status


def main():
    args = parse()
    need_gpu()
    peers = Peers(args.peers_python, "torch", "transformers")
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/prompt.txt"
        return max([measure(shape, args, peers, file) for shape in args.shapes])


if __name__ == "__main__":
    sys.exit(main())
