# SPDX-License-Identifier: MIT
"""tutorials/simple-llm.md as its reader does it: every block, one after another,
in an empty folder, with the training at full length. Then the course's library
with the same recipe.
"""

import argparse
import re
import sys
import tempfile

from support.record import ROOT, Measurement, run_simple_llm

PAGE = ROOT / "tutorials" / "simple-llm.md"
NUMBER = r"(-?\d+\.?\d*)"


def follow():
    """{program and its arguments: what it printed}. Exits with the first block
    that fails; what one prints may differ from the page, which is for FAST=1.
    """
    sys.path.insert(0, str(ROOT / "scripts" / "docs"))
    import runs
    import workplace
    from pages import Page
    from programs import Compiler

    class FullLength(workplace.Workplace):
        def environment(self):
            env = super().environment()
            del env["FAST"]
            return env

    runs.Workplace, workplace.SECONDS = FullLength, 3600
    said, compiler = {}, Compiler()
    for result in runs.run_page(Page(ROOT, PAGE), compiler):
        name = re.search(r"^\./run (.+)$", result.fence.text, re.M)
        if result.problem and result.said is None:
            sys.exit(str(result.problem))
        if result.problem:
            print(result.problem)
        if name:
            said[name[1]] = result.said
            print(result.said, flush=True)
    compiler.stop()
    return said


def numbers(pattern, text):
    """The numbers of every place where the pattern is found."""
    rows = [match.groups() for match in re.finditer(pattern, text, re.M)]
    if not rows:
        sys.exit(f"expected {pattern} in: {text}")
    return [[float(number) for number in row] for row in rows]


def measured(said):
    guessing, pairs = numbers(
        f"guessing {NUMBER}, pairs {NUMBER}", said["pairs"]
    )[0]
    grams = numbers(rf"^{NUMBER} letters: {NUMBER}$", said["ngram"])
    curve = numbers(
        rf"^ *{NUMBER} +{NUMBER} +{NUMBER} +{NUMBER}$", said["train"]
    )
    weights, first = numbers(
        rf"{NUMBER} weights[^\n]*\nloss {NUMBER}", said["start"]
    )[0]
    loss = numbers(f"all of the validation text: {NUMBER}", said["train"])
    return {
        "weights": int(weights),
        "guessing": guessing,
        "pairs": pairs,
        "ngrams": {str(int(n)): loss for n, loss in grams},
        "first_loss": first,
        "steps": int(curve[-1][0]),
        "minutes": curve[-1][3] / 60,
        "val_loss": loss[0][0],
        "curve": curve,  # step, loss, validation loss of 64 windows, seconds
        "texts": [
            " ".join(text.split())
            for run, text in said.items()
            if run.startswith("write ")
        ],
    }


def with_the_library(steps):
    """The same shape, batches and optimizer by simple_llm."""
    args = "--architecture gpt2 --layers 3 --activation relu --bias"
    args += " --block 128 --batch 16 --short-every 0 --optimizer adamw"
    args += " --beta2 0.99 --weight-decay 0.1 --schedule linear --lr 2e-3"
    args += " --min-lr 0 --no-bf16 --eval-every 0 --sample-every 0"
    args += " --checkpoint-every 0"
    with tempfile.TemporaryDirectory() as folder:
        said = run_simple_llm(
            ["train", "--data", "tiny-tales", *args.split(), "--json"]
            + ["--steps", steps, "--warmup", round(0.05 * steps)]
            + ["--out", folder + "/same"]
        )
    return {"minutes": said["seconds"] / 60, "val_loss": said["val_loss_full"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args()
    measurement = Measurement("simple_llm_tutorial", 0)
    result = measured(follow())
    result["library"] = with_the_library(result["steps"])
    holds = {
        "whoever follows the page arrives at a trained model": True,
        "its loss is below that of 5-grams": result["val_loss"]
        < result["ngrams"]["5"],
    }
    return measurement.save(result, holds)


if __name__ == "__main__":
    sys.exit(main())
