# SPDX-License-Identifier: MIT
"""The page's modules that need no browser: tests/web/unit, run by the Node that
Playwright's driver brings. On a server the sampler of the page must remove the
same tokens as the sampler of the server, to the last bit."""

import os
import pathlib
import subprocess

import playwright
import pytest
from smollm2 import gguf_file
from web_models import add_smollm2, serve, trained_models

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNIT = ROOT / "tests" / "web" / "unit"
NODE = pathlib.Path(playwright.__file__).parent / "driver" / "node"


def node_test(*files, **env):
    """What Node's test runner says; all must pass."""
    done = subprocess.run(
        [NODE, "--test", "--test-reporter=tap", *files],
        capture_output=True,
        text=True,
        env={**os.environ, **env},
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr
    return done.stdout


def test_modules():
    files = sorted(UNIT.glob("*.test.mjs"))
    said = node_test(*files)
    passed = int(said.rsplit("\n# pass ", 1)[1].split()[0])
    assert len(files) > 8 and passed > 60


@pytest.mark.parametrize("model", ["tiny", "smollm2"])
def test_the_sampler_is_the_one_of_the_server(model, tmp_path):
    models = trained_models()
    if model == "smollm2":
        models = tmp_path / "models"
        models.mkdir()
        add_smollm2(models, gguf_file())
    with serve(models, "--model", model) as server:
        said = node_test(
            UNIT / "sampler.test.mjs",
            LLM_WEB_URL=server.url,
            LLM_WEB_MODEL=model,
            LLM_WEB_TEXT="The fox saw the moon. The fox",
        )
    assert "ok 8 - the chain equals the server's /stages\n" in said
