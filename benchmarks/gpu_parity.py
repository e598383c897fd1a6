# SPDX-License-Identifier: MIT
"""The same numbers on the CPU and on an NVIDIA GPU: logits, loss and gradients
of trained models, the first losses of a training side by side, and the likeliest
text of eight prompts. Products in full float32 (MLX_ENABLE_TF32=0); the reference
is float64. What bfloat16 may cost is PyTorch's own distance to its float32 on the
same GPU.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from support import smollm2
from support.peers import Peers, add_option, run_script
from support.record import Measurement, metrics, need_gpu, program
from support.texts import shakespeare

EXACT = {"MLX_ENABLE_TF32": "0"}
FP32, LOSSES = 1e-4, 1e-4
PROMPTS = (
    "The sea was",
    "Once upon a time there was a small robot who",
    "Water boils at",
    "The capital of France is",
    "def add(a, b):",
    "My favourite book is about",
    "In the year 1969",
    "A good cup of tea",
)


def run(words):
    done = subprocess.run(
        [str(word) for word in words],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **EXACT},
    )
    if done.returncode != 0:
        sys.exit(f"{pathlib.Path(words[0]).name} ended with {done.returncode}")
    return done.stdout


def train(folder, device, steps, *options):
    """(losses, folder) of a short training from one seed."""
    out = pathlib.Path(folder) / f"{device}{'-'.join(options)}"
    words = [program(), "train", "--preset", "nano", "--steps", steps]
    words += ["--data", shakespeare(), "--device", device, "--out", out]
    words += ["--eval-every", 0, "--sample-every", 0, "--checkpoint-every", 0]
    run([*words, *(options or ["--no-bf16"])])
    return [line["loss"] for line in metrics(out)[1]], out


def compare(model, text, tokens):
    """MLX's own operations on the CPU, in float64, are the reference."""
    words = [program("gpu_compare"), "--model", model, "--text", text]
    return json.loads(run([*words, "--tokens", tokens]))


def written(model, prompt, device, tokens):
    words = [program("generate"), "--model", model, "--raw", "--prompt", prompt]
    words += ["--temperature", 0, "--max-tokens", tokens, "--json"]
    words += ["--device", device, "--offline"]
    said = json.loads(run(words))
    return said["tokens"], said.get("text", "")


def texts(model, tokens):
    """Each prompt on both; where they part, and at how near a tie."""
    out = []
    for prompt in PROMPTS:
        (cpu, _), (gpu, text) = (
            written(model, prompt, device, tokens) for device in ("cpu", "gpu")
        )
        same = [a == b for a, b in zip(cpu, gpu)] + [False]
        first = same.index(False)
        out.append({"prompt": prompt, "tokens": len(cpu), "same": first})
        print(f"{prompt!r}: {first} of {len(cpu)} tokens equal", flush=True)
    return out


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--tokens", type=int, default=48, help="to write")
    add_option(parser)
    return parser.parse_args()


def main():
    args = parse()
    need_gpu()
    peers = Peers(args.peers_python, "torch")
    measurement = Measurement("gpu_parity", 0, **peers.versions)
    result, holds = {"steps": args.steps}, {}
    with tempfile.TemporaryDirectory() as folder:
        cpu, trained = train(folder, "cpu", args.steps)
        gpu, _ = train(folder, "gpu", args.steps)
        half, _ = train(folder, "gpu", args.steps, "--bf16")
        gap = max(abs(a - b) for a, b in zip(cpu, gpu))
        result["losses"] = {"cpu": cpu, "gpu": gpu, "gpu_bf16": half}
        result["largest_difference"] = gap
        result["largest_difference_bf16"] = max(
            abs(a - b) for a, b in zip(cpu, half)
        )
        holds[f"the first {args.steps} losses within {LOSSES:g}"] = (
            gap <= LOSSES
        )
        models = {"nano": (trained, 64)}
        models["smollm2"] = (smollm2.gguf_file("fp32"), 64)
        result["models"] = {
            name: compare(path, shakespeare(), tokens)
            for name, (path, tokens) in models.items()
        }
        print(json.dumps(result["models"], indent=2), flush=True)
    for name, said in result["models"].items():
        exact = said["fp32"]
        worst = max(exact[key] for key in ("logits", "loss", "gradients"))
        holds[f"{name}: logits, loss, gradients within {FP32:g}"] = (
            worst <= FP32
        )
    if peers.has("torch"):
        torch = run_script(peers.python, "torch_bf16.py", 8)
        result["torch_bf16"] = torch
        if torch:
            ours = result["models"]["nano"]["bf16"]
            # Another model of the same shape: the same order, not the same number.
            holds["bfloat16: as near to float32 as PyTorch's, within 1.5 x"] = (
                all(
                    ours[key] <= 1.5 * torch[key]
                    for key in ("logits", "gradients")
                )
            )
    result["texts"] = texts(smollm2.gguf_file("q4"), args.tokens)
    equal = sum(t["same"] == t["tokens"] for t in result["texts"])
    result["equal_texts"] = equal
    holds["the likeliest text of every prompt is the CPU's"] = equal == len(
        PROMPTS
    )
    return measurement.save(result, holds)


if __name__ == "__main__":
    sys.exit(main())
