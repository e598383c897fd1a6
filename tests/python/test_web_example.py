# SPDX-License-Identifier: MIT
"""The example that the page shows is what the model writes."""

import pathlib
import re
import subprocess
import sys

from smollm2 import gguf_file
from web_models import add_smollm2, serve

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_the_recorded_example_again(tmp_path):
    models = tmp_path / "models"
    models.mkdir()
    add_smollm2(models, gguf_file())
    with serve(models, "--model", "smollm2") as server:
        done = subprocess.run(
            [
                sys.executable,
                ROOT / "scripts" / "record_example.py",
                server.url,
                ROOT / "code" / "web_interface" / "example.json",
                "--check",
            ],
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.fullmatch(r"[1-9]\d tokens again\n", done.stdout)
