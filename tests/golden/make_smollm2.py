# SPDX-License-Identifier: MIT
"""Writes smollm2.json and smollm2.safetensors: what transformers computes with
SmolLM2-135M-Instruct in float32 from the GGUF file that the course uses.

    python tests/golden/make_smollm2.py FILE.gguf     needs torch, transformers

The prompts are token ids, so that no tokenizer matters here. For each prompt:
the 64 likeliest tokens one after the other, how far the best two logits lie
apart each time, and after the prompt every 16th logit. `--check LOGITS` takes
what tests/tools/logits_tool wrote for the prompts, all logits of it, and says
the largest difference.
"""

import argparse
import json
import pathlib

import numpy as np
import torch
import transformers
from safetensors.numpy import load_file, save_file

HERE = pathlib.Path(__file__).resolve().parent
TOKENS, STRIDE = 64, 16


def load(gguf):
    return transformers.AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.float32
    ).eval()


@torch.no_grad()
def greedy(model, prompt):
    """(tokens, gaps of the best two logits, logits after the prompt)."""
    tokens, gaps, first, cache = [], [], None, None
    ids = torch.tensor([prompt])
    for _ in range(TOKENS):
        out = model(ids, past_key_values=cache, use_cache=True)
        cache, logits = out.past_key_values, out.logits[0, -1]
        first = logits.clone() if first is None else first
        best = torch.topk(logits, 2)
        gaps.append(round(float(best.values[0] - best.values[1]), 4))
        tokens.append(int(best.indices[0]))
        ids = torch.tensor([[tokens[-1]]])
    return tokens, gaps, first.numpy()


@torch.no_grad()
def check(model, prompts, file):
    """Largest difference over all logits of all positions of all prompts."""
    ours, worst = load_file(file), 0.0
    for i, prompt in enumerate(prompts):
        theirs = model(torch.tensor([prompt])).logits.numpy()
        worst = max(worst, float(np.abs(ours[f"logits.{i}"] - theirs).max()))
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gguf", type=pathlib.Path)
    parser.add_argument("--check", type=pathlib.Path)
    args = parser.parse_args()
    model = load(args.gguf)
    file = json.loads((HERE / "smollm2_prompts.json").read_text())
    prompts = [prompt["tokens"] for prompt in file]
    if args.check:
        print(f"largest difference {check(model, prompts, args.check):.2e}")
        return
    runs, logits = [], []
    for prompt in prompts:
        tokens, gaps, first = greedy(model, prompt)
        runs.append({"prompt": prompt, "tokens": tokens, "gaps": gaps})
        logits.append(first[::STRIDE])
    about = {
        "transformers": transformers.__version__,
        "torch": torch.__version__,
        "model": "SmolLM2-135M-Instruct, Q4_1 GGUF, Apache-2.0",
    }
    text = ",\n".join(json.dumps(run) for run in runs)
    (HERE / "smollm2.json").write_text(
        f'{{"about": {json.dumps(about)},\n"runs": [\n{text}\n]}}\n'
    )
    save_file({"logits": np.stack(logits)}, HERE / "smollm2.safetensors")


if __name__ == "__main__":
    main()
