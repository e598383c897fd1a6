# SPDX-License-Identifier: MIT
"""Fine-tuning SmolLM2 on code/sample_dataset.json: in at most ten minutes on two
cores the held-out loss (the test split, which nothing was chosen by) must fall
by a fifth, and answers must change; then DPO on code/sample_preferences.json
must raise the margin of held-out pairs.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from support.record import ROOT, Measurement, cores, program

DATA = str(ROOT / "code/sample_dataset.json")
PAIRS = str(ROOT / "code/sample_preferences.json")
MINUTES, FALL = 10, 0.2


def finetune(command, *args):
    """The last line of its output; what it tells is shown as it comes."""
    line = [program("finetune_llm"), command, *map(str, args), "--json"]
    done = subprocess.run(line, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"finetune_llm {command} ended with {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])


def by_kind(evaluation):
    kinds = {k: v["loss"] for k, v in evaluation["kinds"].items()}
    return {"all": evaluation["loss"], **kinds}


def tune(args, folder):
    """(losses before, losses after, summary of the training)."""
    model = ["--model", args.model, "--threads", args.threads]
    before = finetune("evaluate", *model, "--data", DATA, "--split", "test")
    recipe = ["--steps", args.steps, "--lr", args.lr, "--eval-every", 0]
    out = folder / "mica"
    run = finetune("train", *model, "--data", DATA, "--out", out, *recipe)
    adapter = ["--adapter", out]
    after = finetune(
        "evaluate", *model, *adapter, "--data", DATA, "--split", "test"
    )
    return by_kind(before), by_kind(after), run


def answers(args, folder):
    """A few questions of the test split, and what both models answer."""
    finetune(
        "compare", "--model", args.model, "--adapter-b", folder / "mica",
        "--data", DATA, "--split", "test", "--limit", args.answers,
        "--max-tokens", 60, "--threads", args.threads,
        "--out", folder / "report",
    )  # fmt: skip
    report = json.loads((folder / "report" / "compare.json").read_text())
    return report["answers"]


def prefer(args, folder):
    """The summary of DPO from the adapter that was just trained."""
    return finetune(
        "train", "--model", args.model, "--adapter", folder / "mica",
        "--data", PAIRS, "--objective", "dpo", "--steps", args.dpo_steps,
        "--lr", 5e-5, "--eval-every", 0, "--threads", args.threads,
        "--out", folder / "dpo",
    )  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--dpo-steps", type=int, default=24)
    parser.add_argument("--answers", type=int, default=13)
    parser.add_argument("--threads", type=int, default=cores())
    args = parser.parse_args()
    measurement = Measurement("sample_dataset", args.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        before, after, run = tune(args, folder)
        rows = answers(args, folder)
        dpo = prefer(args, folder)
    fall = {k: 1 - after[k] / before[k] for k in before}
    changed = sum(row["a"] != row["b"] for row in rows)
    for kind, part in fall.items():
        print(f"{kind:15} {before[kind]:.3f} -> {after[kind]:.3f}  -{part:.0%}")
    result = {
        "before": before, "after": after, "fall": fall,
        "seconds": run["seconds"], "peak_bytes": run["peak_bytes"],
        "answers": rows, "changed": changed, "dpo": dpo,
    }  # fmt: skip
    result["dpo"].pop("out", None)
    holds = {
        f"at most {MINUTES} minutes": run["seconds"] <= 60 * MINUTES,
        f"held-out loss at least {FALL:.0%} lower": fall["all"] >= FALL,
        "answers change": changed >= len(rows) / 2,
        # Before the first step it is 0: the model is its own reference.
        "DPO raises the held-out margin": dpo["preference_margin"] > 0,
    }
    return measurement.save(result, holds)


if __name__ == "__main__":
    sys.exit(main())
