# SPDX-License-Identifier: MIT
"""Models for the tests of the web interface, each made once in a session: one
of random weights with a long context for the load tests, and a small trained
one whose letters mean something for the page.
"""

import functools
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from generate_runs import write_model
from program_runs import program, small_text

BENCHMARKS = pathlib.Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from support import web_client, web_scenarios  # noqa: E402, F401
from support.web_server import WebServer  # noqa: E402

FOLDER = tempfile.TemporaryDirectory(prefix="web-models-")
# Two layers, four heads that share two key-value heads.
SHAPE = ["--architecture", "qwen3", "--layers", 2, "--width", 64]
SHAPE += ["--heads", 4, "--kv-heads", 2, "--tokenizer", "char"]
RECIPE = ["--block", 256, "--batch", 4, "--steps", 60, "--eval-every", 30]
RECIPE += ["--sample-every", 30]


@functools.cache
def random_models():
    """A models folder with "random": no token ends its texts."""
    models = pathlib.Path(FOLDER.name) / "load" / "models"
    write_model(models / "random", context=4096, marks=[])
    return models


def train(models, name, seed, text, *more):
    """models/name, trained for seconds on the file `text`."""
    command = [program(), "train", "--data", text, "--out", models / name]
    command += ["--seed", seed, *SHAPE, *RECIPE, *more]
    done = subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, "MLX_TUTORIAL_HOME": str(models.parent)},
    )
    assert done.returncode == 0, done.stderr[-2000:]


@functools.cache
def trained_models():
    """A models folder with "tiny" and "tiny-2", trained from another seed."""
    models = pathlib.Path(FOLDER.name) / "page" / "models"
    models.mkdir(parents=True)
    text = models.parent / "words.txt"
    text.write_text(small_text(), encoding="utf-8")
    train(models, "tiny-2", 2, text)
    train(models, "tiny", 1, text)
    return models


def add_smollm2(models, file):
    """The course's own model in a models folder; a link, if the disk allows."""
    folder = models / "smollm2"
    if not folder.is_dir():
        folder.mkdir()
        try:
            os.link(file, folder / file.name)
        except OSError:
            shutil.copy(file, folder / file.name)


def serve(models, *options, **env):
    """web_server on a models folder; use it in `with`."""
    home = {"MLX_TUTORIAL_HOME": str(models.parent), "HF_HUB_OFFLINE": "1"}
    return WebServer(program("web_server"), models, *options, **{**home, **env})
