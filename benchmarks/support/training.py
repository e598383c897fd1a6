# SPDX-License-Identifier: MIT
"""Contenders of a training step: simple_llm as people run it, Python MLX and
PyTorch. Each gives the seconds of every step, in its own process.
"""

import dataclasses
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from support.peers import openblas, run_script
from support.record import metrics, program
from support.resident import peak_now, peak_of
from support.texts import shakespeare


@dataclasses.dataclass(frozen=True)
class Shape:
    """The nano preset, and what can be changed of it."""

    width: int = 128
    block: int = 64
    batch: int = 12
    heads: int = 4

    @property
    def tokens(self):
        return self.batch * self.block

    def options(self):
        named = dataclasses.asdict(self).items()
        return [word for key, x in named for word in (f"--{key}", str(x))]


def train_command(out, threads, *options):
    command = [program(), "train", "--preset", "nano", "--out", str(out)]
    command += ["--eval-every", "0", "--sample-every", "0"]
    command += ["--checkpoint-every", "0", "--threads", str(threads)]
    return command + [str(option) for option in options]


def train_until(steps, command, out, look=lambda process: None, **environment):
    """Trains into the folder `out`, stops after enough steps; what `look` said
    of the process just before."""
    seen = None
    run = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    )
    log = out / "metrics.jsonl"
    while run.poll() is None:
        time.sleep(0.5)
        if log.exists() and log.read_bytes().count(b"\n") > steps:
            seen = look(run.pid)
            run.send_signal(signal.SIGINT)
            break
    error = run.communicate()[1].decode()
    if run.returncode != 0:
        sys.exit(f"simple_llm train failed: {error.splitlines()[-1]}")
    return seen


def cpp(steps, threads, kernels=True, shape=Shape(), device=None, options=()):
    """Seconds of each step, with our CPU operations or MLX's own."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "nano"
        where = ["--device", device] if device else []
        command = train_command(
            out, threads, *shape.options(), *where, *options
        )
        train_until(steps, command, out, LLM_FAST_CPU="1" if kernels else "0")
        lines = metrics(out)[1][:steps]
        return [shape.tokens / line["tokens_per_s"] for line in lines]


def cpp_memory(steps, threads):
    """Bytes of a training of `steps` steps, minus those of the program when it
    has read the data: there a run ends whose block is longer. The text is
    short, as counting its n-grams takes memory too."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        text = folder / "text.txt"
        text.write_bytes(shakespeare().read_bytes()[:100_000])
        command = train_command(folder / "nano", threads, "--data", text)
        before, _ = peak_of([*command, "--block", "1000000000"])
        peak = train_until(steps, command, folder / "nano", peak_now)
        return peak and peak - before


def mlx(steps, threads, *options, blas=True):
    blas = openblas() if blas else []
    arguments = ["--steps", steps, *blas, *options]
    return run_script(sys.executable, "mlx_gpt.py", threads, *arguments)


def torch(python, steps, threads, *options, shape=Shape()):
    """{"seconds": of each step, "memory_bytes": n}, or None."""
    arguments = ["--steps", steps, "--threads", threads]
    arguments += [*shape.options(), *options]
    return run_script(python, "torch_gpt.py", threads, *arguments)
