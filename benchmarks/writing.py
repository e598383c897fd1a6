# SPDX-License-Identifier: MIT
"""Ways to write with SmolLM2-135M in 4 bits, in turns: with the cache and
without it, in a packed cache, many texts side by side, and with guesses from
the text so far (prompt lookup) where it repeats itself and where it does not.
"""

import argparse
import functools
import json
import subprocess
import sys
import tempfile

from support import smollm2
from support.record import Measurement, cores, program
from support.rounds import Task, spread, summarize, table, take_turns
from support.texts import prompt

FIGURE = "tokens_per_s"
PASSAGE = (
    "The lighthouse keeper wrote the weather into a grey book every evening. "
    "He noted the wind, the height of the waves and the ships that he saw. "
    "On the fourth of March he counted eleven ships, and one of them was his "
    "brother's. "
)
STORY = "Once upon a time there was a small robot who wanted to bake bread."
GREEDY = ("--temperature", 0)
ROWS = (1, 2, 4, 8, 16)
DRAFTS = (2, 4, 8)


class Writer:
    """Runs one way; keeps what was said, by case and contender."""

    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.count, self.said = 0, {}

    def task(self, case, name, text, *options, precision="q4"):
        self.count += 1
        path = f"{self.folder}/{self.count}.txt"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        self.said.setdefault(case, {})[name] = None
        model = smollm2.gguf_file(precision)
        run = functools.partial(self.run, case, name, model, path, options)
        return Task(case, name, run)

    def run(self, case, name, model, path, options):
        command = [program("writing"), "--model", str(model)]
        command += ["--text", path, "--threads", str(self.args.threads)]
        command += [str(option) for option in options]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            return None
        self.said[case][name] = json.loads(done.stdout)
        return {FIGURE: self.said[case][name][FIGURE]}


def cache_tasks(writer, contexts):
    """Without a cache a token costs as much as reading the whole text."""
    tokenizer = smollm2.folder("q4") / "tokenizer.json"
    for context in contexts:
        text, _ = prompt(context, tokenizer)
        case = f"cache, {context} tokens"
        slow = ("--tokens", 8, "--no-cache")
        yield writer.task(case, "cache", text, *GREEDY, "--tokens", 64)
        yield writer.task(case, "no_cache", text, *GREEDY, *slow)


def packed_cache_tasks(writer, context):
    tokenizer = smollm2.folder("q4") / "tokenizer.json"
    text, _ = prompt(context, tokenizer)
    case = f"cache in few bits, {context} tokens"
    for bits in (0, 8, 4):
        name = f"bits_{bits}" if bits else "full"
        options = ("--tokens", 64, "--cache-bits", bits)
        yield writer.task(case, name, text, *GREEDY, *options)


def row_tasks(writer):
    for rows in ROWS:
        options = ("--temperature", 0.8, "--tokens", 64, "--rows", rows)
        yield writer.task("side by side", f"rows_{rows}", STORY, *options)


def lookup_tasks(writer):
    """Copying: the passage again and again, and its beginning once more."""
    copying = (3 * PASSAGE + PASSAGE[:20]).rstrip()
    cases = {
        "guessing, a text that repeats": (copying, 0, "q4"),
        "guessing, the same in float32": (copying, 0, "fp32"),
        "guessing, a story": (STORY, 0, "q4"),
        "guessing, a story drawn": (STORY, 0.8, "q4"),
    }
    for case, (text, temperature, precision) in cases.items():
        options = ("--temperature", temperature, "--tokens", 96)
        for n in (0, *DRAFTS):
            yield writer.task(
                case,
                f"guess_{n}" if n else "plain",
                text,
                *options,
                "--draft-tokens",
                n,
                precision=precision,
            )


def gains(rounds, case, ours, theirs):
    """How many times faster, as a spread over the rounds."""
    runs = [r["cases"][case] for r in rounds]
    return spread([run[ours][FIGURE] / run[theirs][FIGURE] for run in runs])


def gains_of(rounds):
    """{case: {contender: times as fast as the first of the case}}."""
    out = {}
    for case, run in rounds[0]["cases"].items():
        base = {"cache": "no_cache"}.get(case.split(",")[0], next(iter(run)))
        for name in run:
            if name != base:
                found = gains(rounds, case, name, base)
                out.setdefault(case, {})[name] = found
    return out


def guesses_of(said):
    """How many guesses were kept, and whether the text stayed the same."""
    out = {}
    for case, names in said.items():
        for name, run in names.items():
            if name.startswith("guess_") and run["drafted"]:
                same = run["tokens"] == names["plain"]["tokens"]
                out.setdefault(case, {})[name] = {
                    "drafted": run["drafted"],
                    "accepted": run["accepted"],
                    "kept": run["accepted"] / run["drafted"],
                    "same_text": same,
                }
    return out


def claims(args, gained, guesses):
    """{what is said: whether it holds}"""

    def gain(case, name):
        return gained[case][name]["median"]

    first = f"cache, {min(args.contexts)} tokens"
    last = f"cache, {max(args.contexts)} tokens"
    copied = guesses["guessing, a text that repeats"]
    return {
        "the cache is faster, and more so after a longer text": gain(
            last, "cache"
        )
        > gain(first, "cache")
        > 1,
        "16 texts side by side are written faster than one": gain(
            "side by side", "rows_16"
        )
        > 1,
        "most of 4 guesses are kept where a text repeats": copied["guess_4"][
            "kept"
        ]
        > 0.5,
        "guessing changes no greedy text": all(
            found["same_text"]
            for case, names in guesses.items()
            if not case.endswith("drawn")
            for found in names.values()
        ),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--contexts", type=int, nargs="+", default=[64, 128, 256, 512]
    )
    parser.add_argument("--context", type=int, default=1024, help="few bits")
    parser.add_argument("--threads", type=int, default=cores())
    args = parser.parse_args()
    measurement = Measurement("writing", args.threads)
    with tempfile.TemporaryDirectory() as folder:
        writer = Writer(args, folder)
        tasks = [
            *cache_tasks(writer, args.contexts),
            *packed_cache_tasks(writer, args.context),
            *row_tasks(writer),
            *lookup_tasks(writer),
        ]
        rounds = take_turns(tasks, args.rounds)
    summaries = summarize(rounds)
    print(table(summaries))
    gained, guesses = gains_of(rounds), guesses_of(writer.said)
    result = {"gains": gained, "guesses": guesses}
    result.update(rounds=rounds, summary=summaries)
    return measurement.save(result, claims(args, gained, guesses))


if __name__ == "__main__":
    sys.exit(main())
