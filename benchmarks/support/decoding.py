# SPDX-License-Identifier: MIT
"""Contenders of decoding with SmolLM2: `generate`, llama.cpp, mlx-lm and
PyTorch with transformers. Each reads the same prompt in a process of its own
and goes on with the likeliest tokens. Its figures:

    prefill_tokens_per_s   reading the prompt, until the first new token
    decode_tokens_per_s    the tokens after it, one at a time
    load_s                 from the call that loads model and tokenizer until
                           the first token after a prompt of one token
    memory_mib             see resident.py

The others read one token before they are timed; ours is timed cold. Ours
multiplies packed weights with activations of 24 bits, and as "cpp_16bit" and
"cpp_8bit" with fewer; llama.cpp rounds activations to 8 bits.
"""

import json
import os
import subprocess
import sys
import time

from support import smollm2
from support.peers import openblas, run_script
from support.record import program
from support.resident import peak_of
from support.texts import prompt

MIB = 2**20
NARROW = (16, 8)  # bits of activations beside the default


class Work:
    """`context` tokens to read, `tokens` to write."""

    def __init__(self, precision, context, tokens, threads):
        self.precision, self.tokens, self.threads = precision, tokens, threads
        tokenizer = smollm2.folder("q4") / "tokenizer.json"
        self.text, self.ids = prompt(context, tokenizer)


def contenders(work, peers, with_mlx=True):
    """{name: () -> figures and "ids", or None}"""
    p = work.precision
    out = {"cpp": lambda: cpp(work)}
    if p != "fp32":
        for bits in NARROW:
            out[f"cpp_{bits}bit"] = lambda b=bits: cpp(work, activation_bits=b)
    if sys.platform == "darwin":  # there cpp runs on the GPU
        out["cpp_cpu"] = lambda: cpp(work, "cpu")
    if peers.has("llama-cpp-python"):
        for file in ("q4", "q4_0") if p == "q4" else (p,):
            name = {"q4": "llama_q4_1", "q4_0": "llama_q4_0"}.get(file, "llama")
            out[name] = lambda f=file: llama(work, peers, f)
            out[name + "_flash"] = lambda f=file: llama(
                work, peers, f, "--flash"
            )
    if with_mlx:
        out["mlx_lm"] = lambda: mlx_lm(work)
    if peers.has("torch", "transformers") and p == "fp32":
        out["torch"] = lambda: torch(work, peers)
        if sys.platform == "darwin":
            out["torch_mps"] = lambda: torch(work, peers, "--device", "mps")
    return out


def generate(model, threads, text, tokens, device=None):
    command = [program("generate"), "--model", str(model), "--offline"]
    command += ["--raw", "--prompt", text, "--max-tokens", str(tokens)]
    command += ["--ignore-eos", "--temperature", "0", "--json"]
    command += ["--threads", str(threads)]
    return command + (["--device", device] if device else [])


def cpp(work, device=None, activation_bits=24):
    """Before the model is made: where a run ends that finds no model."""
    environment = {**os.environ, "LLM_ACTIVATION_BITS": str(activation_bits)}
    more = (work.threads, work.text, work.tokens, device)
    before, idle = peak_of(generate("./no-such-model", *more))
    model = smollm2.gguf_file(work.precision)
    begin = time.perf_counter()
    done = subprocess.run(
        generate(model, *more),
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    seconds = time.perf_counter() - begin - idle
    if done.returncode != 0:
        return None
    said = json.loads(done.stdout)
    if said["prompt_tokens"] != len(work.ids):
        sys.exit("generate counts other tokens than the tokenizer's file")
    out = {"memory_mib": (said["peak_bytes"] - before) / MIB}
    if work.tokens == 1:
        return {"load_s": seconds, **out, "ids": said["tokens"]}
    names = ("prefill_tokens_per_s", "decode_tokens_per_s")
    return {**{n: said[n] for n in names}, **out, "ids": said["tokens"]}


def script(python, file, work, *options):
    said = run_script(
        python, file, work.threads, "--threads", work.threads,
        "--tokens", work.tokens, "--prompt", json.dumps(work.ids), *options,
    )  # fmt: skip
    if said is None:
        return None
    out = {"memory_mib": said["memory_bytes"] / MIB, "ids": said["ids"]}
    if work.tokens == 1:
        return {"load_s": said["load_seconds"], **out}
    read, written = len(work.ids), work.tokens - 1
    out["prefill_tokens_per_s"] = read / said["prefill_seconds"]
    out["decode_tokens_per_s"] = written / said["decode_seconds"]
    return out


def llama(work, peers, file, *options):
    model = smollm2.gguf_file(file)
    options = ["--model", model, *options]
    return script(peers.python, "llama_decode.py", work, *options)


def mlx_lm(work):
    model = smollm2.folder(work.precision)
    options = ["--model", model, *openblas()]
    return script(sys.executable, "mlx_decode.py", work, *options)


def torch(work, peers, *options):
    model = smollm2.folder(work.precision)
    options = ["--model", model, *options]
    return script(peers.python, "torch_decode.py", work, *options)
