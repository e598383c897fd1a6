# SPDX-License-Identifier: MIT
"""What training takes and what makes it less: the nano model with windows of
256 and batches of 32, as it is, in four micro-batches, with blocks computed
again in the backward pass, both, and with products in bfloat16. Memory is the
highest of the process minus that before the model is made.
"""

import argparse
import pathlib
import statistics
import sys
import tempfile

from support.decoding import MIB
from support.record import Measurement, cores, metrics
from support.resident import peak_now, peak_of
from support.rounds import Task, summarize, table, take_turns
from support.texts import shakespeare
from support.training import train_command, train_until

CASE, BLOCK, BATCH, PARTS = "256 tokens, batch 32", 256, 32, 4
MICRO = ("--batch", BATCH // PARTS, "--accumulate", PARTS)
AGAIN = ("--activation-checkpointing",)
WAYS = {
    "as_it_is": ("--batch", BATCH),
    "micro_batches": MICRO,
    "computed_again": ("--batch", BATCH, *AGAIN),
    "both": (*MICRO, *AGAIN),
    "bf16": ("--batch", BATCH, "--bf16"),
}


def measure(options, args):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        text = folder / "text.txt"  # short: counting its n-grams takes memory
        text.write_bytes(shakespeare().read_bytes()[:100_000])
        command = train_command(folder / "nano", args.threads, "--data", text)
        before, _ = peak_of([*command, "--block", "1000000000"])
        command += ["--block", str(BLOCK), *map(str, options)]
        peak = train_until(args.steps, command, folder / "nano", peak_now)
        lines = metrics(folder / "nano")[1][2:]  # the first two warm up
        speed = statistics.median(line["tokens_per_s"] for line in lines)
    if peak is None:
        return None
    return {"memory_mib": (peak - before) / MIB, "tokens_per_s": speed}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--threads", type=int, default=cores())
    args = parser.parse_args()
    if args.steps < 4:
        parser.error("at least four --steps")
    measurement = Measurement("training_memory", args.threads)
    tasks = [
        Task(CASE, name, lambda o=options: measure(o, args))
        for name, options in WAYS.items()
    ]
    rounds = take_turns(tasks, args.rounds)
    summary = summarize(rounds, "as_it_is")
    print(table(summary))
    memory = summary[CASE]["memory_mib"]["values"]
    least = min(memory, key=lambda name: memory[name]["median"])
    holds = {
        f"{name} takes less memory": memory[name]["median"]
        < memory["as_it_is"]["median"]
        for name in ("micro_batches", "computed_again", "both")
    }
    part = {
        name: found["median"] / memory["as_it_is"]["median"]
        for name, found in memory.items()
    }
    result = {"part_of_memory": part, "least": least}
    result.update(rounds=rounds, summary=summary[CASE])
    return measurement.save(result, holds)


if __name__ == "__main__":
    sys.exit(main())
