# SPDX-License-Identifier: MIT
"""LoRA beside mlx-lm: the same model, initial adapter, data order and settings
(rank 8, scale 20, q and v of the last 16 layers, batch 4, length 256, Adam).
Every loss must be equal within 0.02, and the C++ program at least 0.95 times as
fast as mlx-lm with OpenBLAS. They take turns, so that a busy machine is busy for
both; what counts is the ratio inside a round.
"""

import argparse
import ctypes.util
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy as np
from support.record import (
    ROOT,
    Measurement,
    cores,
    metrics,
    need_gpu,
    program,
    version,
)

SUPPORT = pathlib.Path(__file__).parent / "support"


def rows_of(path):
    """Training examples of a data file as prompt and completion."""
    data = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    rows = []
    for row in data["train"] if isinstance(data, dict) else data:
        prompt = row.get("instruction") or row["prompt"]
        if row.get("input"):
            prompt += "\n\n" + row["input"]
        answer = row.get("output") or row["completion"]
        rows.append({"prompt": prompt, "completion": answer})
    return rows


def in_order_of(rows, batch, steps):
    """The rows as mlx-lm's trainer reads them: epochs of permuted batches."""
    np.random.seed(0)
    batches = len(rows) // batch
    out = []
    while len(out) < steps * batch:
        for i in np.random.permutation(batches):
            out += rows[batch * i : batch * (i + 1)]
    return out[: steps * batch]


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def model_folder(model, folder):
    """A folder that both read: `model` itself, or what it converts to (a GGUF
    file, a name in models/)."""
    path = pathlib.Path(model)
    if (path / "model.safetensors").is_file():
        return str(path.resolve())
    out = str(folder / "model")
    # mlx-lm unpacks packed weights again in every step: no weak peer.
    command = [program("finetune_llm"), "convert", "--dequantize"]
    command += ["--model", model]
    done = subprocess.run([*command, "--out", out], stdout=subprocess.DEVNULL)
    if done.returncode != 0:
        sys.exit("expected --model, a folder or a name in models/")
    return out


class Contenders:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        rows = rows_of(args.data)
        self.plain = write(folder / "rows.jsonl", rows)
        ordered = in_order_of(rows, args.batch, args.steps)
        (folder / "data").mkdir()
        write(folder / "data" / "train.jsonl", ordered)
        write(folder / "data" / "valid.jsonl", rows[: args.batch])
        self.adapter = str(folder / "start")
        self.blas = ctypes.util.find_library("openblas") is not None
        self.python("--make-adapter")

    def python(self, *options):
        a = self.args
        command = [sys.executable, str(SUPPORT / "mlx_lora.py")]
        command += ["--model", a.model, "--adapter", self.adapter]
        command += ["--data", self.plain, "--steps", str(a.steps)]
        command += ["--batch", str(a.batch), "--length", str(a.length)]
        command += ["--lr", str(a.lr), *options]
        command += ["--openblas"] if self.blas and not a.device else []
        names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
        env = {**os.environ, **{name: str(a.threads) for name in names}}
        done = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, env=env
        )
        if done.returncode != 0:
            sys.exit("mlx-lm failed")
        return json.loads(done.stdout) if done.stdout else None

    def cpp(self, number):
        a, out = self.args, self.folder / f"cpp-{number}"
        command = [program("finetune_llm"), "train", "--model", a.model]
        command += ["--adapter", self.adapter, "--out", str(out)]
        command += ["--data", str(self.folder / "data"), "--no-shuffle"]
        command += ["--count-padding", "--max-length", str(a.length)]
        command += ["--batch", str(a.batch), "--steps", str(a.steps)]
        command += ["--optimizer", "adam", "--no-bias-correction"]
        command += ["--weight-decay", "0", "--lr", str(a.lr), "--clip", "0"]
        command += ["--schedule", "constant", "--warmup", "0"]
        command += ["--eval-every", "0", "--checkpoint-every", "0"]
        command += ["--threads", str(a.threads)]
        command += ["--device", a.device] if a.device else []
        done = subprocess.run(command, stdout=subprocess.DEVNULL)
        if done.returncode != 0:
            sys.exit("finetune_llm failed")
        lines = metrics(out)[1]
        return {
            "losses": [line["loss"] for line in lines],
            "tokens": [
                b["tokens"] - a["tokens"]
                for a, b in zip([{"tokens": 0}] + lines, lines)
            ],
            "tokens_per_s": [line["tokens_per_s"] for line in lines],
        }


def rate(tokens, seconds, skip):
    """Counted tokens a second, without the steps that warm up."""
    return sum(tokens[skip:]) / sum(seconds[skip:])


def one_round(contenders, number, skip):
    """Runs both; every other round in the other order."""
    names = ["cpp", "mlx_lm"][:: 1 if number % 2 == 0 else -1]
    out = {}
    for name in names:
        out[name] = (
            contenders.cpp(number) if name == "cpp" else contenders.python()
        )
    ours, theirs = out["cpp"], out["mlx_lm"]
    seconds = [
        t / max(s, 1) for t, s in zip(ours["tokens"], ours["tokens_per_s"])
    ]
    pairs = zip(ours["losses"], theirs["losses"])
    result = {
        "cpp": rate(ours["tokens"], seconds, skip),
        "mlx_lm": rate(ours["tokens"], theirs["seconds"], skip),
        "largest_difference": max(abs(a - b) for a, b in pairs),
        "first_loss": ours["losses"][0],
        "last_loss": ours["losses"][-1],
        "steps": len(theirs["losses"]),
    }
    result["ratio"] = result["cpp"] / result["mlx_lm"]
    print(f"round {number + 1}: {json.dumps(result)}", flush=True)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="smollm2", help="folder or name")
    parser.add_argument(
        "--data", default=str(ROOT / "code/sample_dataset.json")
    )
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--skip", type=int, default=10, help="steps to warm up")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--lr", type=float, default=1e-5)
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument(
        "--device", choices=["gpu"], help="an NVIDIA GPU: gpu_lora.json"
    )
    args = parser.parse_args()
    if args.device:
        need_gpu()
    if args.rounds < 1 or args.steps <= args.skip:
        parser.error("at least one round, and more --steps than --skip")
    for name in ("--model", "--data"):  # where they lie is nobody's business
        if name in sys.argv:
            sys.argv[sys.argv.index(name) + 1] = name[2:].upper()
    measurement = Measurement(
        "lora_speed", args.threads, mlx_lm=version("mlx-lm")
    )
    measurement.name = "gpu_lora" if args.device else "lora_speed"
    with tempfile.TemporaryDirectory() as folder:
        args.model = model_folder(args.model, pathlib.Path(folder))
        contenders = Contenders(args, pathlib.Path(folder))
        rounds = [
            one_round(contenders, i, args.skip) for i in range(args.rounds)
        ]
    ratio = statistics.median(r["ratio"] for r in rounds)
    gap = max(r["largest_difference"] for r in rounds)
    print(f"ratio {ratio:.3f}, largest difference of a loss {gap:.2g}")
    holds = {
        "every loss within 0.02 of mlx-lm's": gap < 0.02,
        "at least 0.95 times mlx-lm's speed": ratio >= 0.95,
    }
    result = {"rounds": rounds, "ratio": ratio, "largest_difference": gap}
    return measurement.save(result, holds)


if __name__ == "__main__":
    sys.exit(main())
