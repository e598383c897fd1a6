# SPDX-License-Identifier: MIT
"""Fine-tuning SmolLM2 on a few rows of one's own: the 28 commit messages of
tutorials/fine-tuning.md, read from that page, by several methods, learning rates
and seeds. The loss on 8 unseen rows, how many answers have the form, and the loss
on other questions (code/sample_dataset.json): what was forgotten.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

from support.record import ROOT, Measurement, cores, program

PAGE = ROOT / "tutorials" / "fine-tuning.md"
OTHER = ROOT / "code" / "sample_dataset.json"
FORM = re.compile(r"(fix|feat|docs|test)\([a-z]+\): [a-z][^\n]*[^.\n]")
STEPS, RATE = 40, "1e-3"
PACKED, FLOAT = "smollm2", "float32"

# name: (base, learning rate, options)
RUNS = {
    "lora": (PACKED, RATE, []),
    "seed_1": (PACKED, RATE, ["--seed", 1]),
    "seed_2": (PACKED, RATE, ["--seed", 2]),
    "rate_1em4": (PACKED, "1e-4", []),
    "rate_1em2": (PACKED, "1e-2", []),
    "all_layers": (PACKED, RATE, ["--targets", "all", "--layers", -1]),
    "dora": (PACKED, RATE, ["--method", "dora"]),
    "lora_float": (FLOAT, RATE, []),
    "full": (FLOAT, "5e-5", ["--method", "full"]),
}


def finetune(command, *args):
    """The last line of its output; what it tells is shown as it comes."""
    line = [program("finetune_llm"), command, *map(str, args)]
    done = subprocess.run([*line, "--json"], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"finetune_llm {command} ended with {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])


def write_data(folder):
    """The page's blocks `file=my-commits/NAME`."""
    folder.mkdir(parents=True, exist_ok=True)
    block = r"^```\w+ file=my-commits/(\w+\.jsonl)\n(.*?)^```"
    found = dict(re.findall(block, PAGE.read_text(), re.M | re.S))
    for name in ("train.jsonl", "valid.jsonl", "test.jsonl"):
        if name not in found:
            sys.exit(f"[own_data] expected {name} in {PAGE.name}")
        (folder / name).write_text(found[name])


def judge(model, adapter, data, folder, threads):
    """Loss on the unseen rows and on other questions, and the answers."""
    which = ["--model", model, *(["--adapter", adapter] if adapter else [])]
    second = ["--adapter-b", adapter] if adapter else []
    report = folder / "report"
    own = finetune(
        "compare", *which, *second, "--data", data, "--split", "test",
        "--max-tokens", 24, "--threads", threads, "--out", report,
    )["a"]  # fmt: skip
    rows = json.loads((report / "compare.json").read_text())["answers"]
    other = finetune(
        "evaluate", *which, "--data", OTHER, "--split", "test", "--threads",
        threads,
    )  # fmt: skip
    return {
        "test_loss": own["loss"],
        "kinds": {k: v["perplexity"] for k, v in own["kinds"].items()},
        "other_loss": other["loss"],
        "form": sum(bool(FORM.fullmatch(row["a"].strip())) for row in rows),
        "asked": len(rows),
        "answers": {
            str(i): {k: row[k].strip() for k in ("prompt", "expected", "a")}
            for i, row in enumerate(rows)
        },
    }


def run(name, folder, threads):
    """Trains and judges once; what was done before is only read."""
    done = folder / f"{name}.json"
    if not done.is_file():
        data = folder / "my-commits"
        base, rate, options = RUNS.get(name, (PACKED, None, []))
        model = base if base == PACKED else folder / base
        if model != PACKED and not model.is_dir():
            finetune(
                "convert", "--model", PACKED, "--dequantize", "--out", model
            )
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            out = pathlib.Path(scratch) / "out"
            told = {}
            if rate:
                told = finetune(
                    "train", "--model", model, "--data", data, "--out", out,
                    "--steps", STEPS, "--lr", rate, "--eval-every", 10,
                    "--threads", threads, *options,
                )  # fmt: skip
            is_adapter = (out / "adapters.safetensors").is_file()
            used = (model, out) if is_adapter or not rate else (out, None)
            result = judge(
                used[0], used[1] if rate else None, data, out.parent, threads
            )
        for key in (
            "seconds", "peak_bytes", "trained_parameters", "train_loss",
            "saved_step",
        ):  # fmt: skip
            result[key] = told.get(key)
        result["valid_loss"] = told.get("val_loss_full")
        done.write_text(json.dumps(result))
    return json.loads(done.read_text())


def summary(runs):
    lora, base = runs["lora"], runs["base"]
    losses = [runs[n]["test_loss"] for n in ("lora", "seed_1", "seed_2")]
    return {
        "seeds_low": min(losses), "seeds_high": max(losses),
        "fall": 1 - lora["test_loss"] / base["test_loss"],
        "forgotten": lora["other_loss"] - base["other_loss"],
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--runs", help="keeps the runs, goes on with them")
    args = parser.parse_args()
    measurement = Measurement("own_data", args.threads)
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(args.runs or scratch)
        write_data(folder / "my-commits")
        runs = {
            name: run(name, folder, args.threads) for name in ["base", *RUNS]
        }
    for name, r in runs.items():
        print(
            f"{name:11} test {r['test_loss']:.3f}, form {r['form']} of "
            f"{r['asked']}, other {r['other_loss']:.3f}"
        )
    told = summary(runs)
    holds = {
        "28 rows: the loss on unseen rows at least 30 % lower": told["fall"]
        >= 0.3,
        "28 rows: three of four answers have the form": runs["lora"]["form"]
        >= 0.75 * runs["lora"]["asked"],
        "before, none has it": runs["base"]["form"] == 0,
    }
    result = {"steps": STEPS, "runs": runs, "summary": told}
    return measurement.save(result, holds)


if __name__ == "__main__":
    sys.exit(main())
