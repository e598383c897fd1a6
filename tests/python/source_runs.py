# SPDX-License-Identifier: MIT
"""Runs of tests/tools/source_tool.cpp, which finds and fetches models as the
programs do, each with a home of its own and no way out of this machine.
LLM_TEST_TOOLS names the folder of the tool.
"""
import os
import pathlib
import random
import subprocess
import sys
import time

import pytest
from hub_server import Hub, Store

MODEL = "owner/small"
WEIGHTS = random.Random(1).randbytes(300_000)
FILES = {
    "config.json": b'{"model_type": "llama"}',
    "tokenizer.json": b'{"model": {}}' * 200,
    "model.safetensors": WEIGHTS,
    "README.md": b"# Small\n",
}
OTHERS = {
    "pytorch_model.bin": WEIGHTS,
    "onnx/config.json": b"{}",
    "../evil.json": b"{}",
    ".hidden.json": b"{}",
    "q4.gguf": b"GGUF" + WEIGHTS[:5000],
}


@pytest.fixture
def hub():
    store = Store()
    server = Hub(store)
    server.add(MODEL, {**FILES, **OTHERS})
    yield server
    server.close()
    store.close()


class Tool:
    """source_tool with a home of its own and no way out of this machine."""

    def __init__(self, folder, **env):
        tools = os.environ.get("LLM_TEST_TOOLS")
        if not tools:
            pytest.fail("LLM_TEST_TOOLS is not set: ./tutorial test sets it")
        self.program = str(pathlib.Path(tools).resolve() / "source_tool")
        self.models = folder / "home" / "models"
        self.models.mkdir(parents=True)
        kept = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")
        self.env = {k: v for k, v in os.environ.items() if k in kept}
        self.env["HOME"] = str(folder)
        self.env["MLX_TUTORIAL_HOME"] = str(folder / "home")
        self.env["MLX_TUTORIAL_PYTHON"] = sys.executable
        self.env["PIP_CONFIG_FILE"] = os.devnull
        self.env["PIP_DEFAULT_TIMEOUT"] = "60"
        self.env["HF_ENDPOINT"] = "http://127.0.0.1:9"
        self.env.update(env)

    def start(self, *arguments, **options):
        return subprocess.Popen(
            [self.program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.env,
            cwd=self.models.parent,
            **options,
        )

    def run(self, *arguments, code=0, **options):
        process = self.start(*arguments, **options)
        out, err = process.communicate(timeout=60)
        assert process.returncode == code, (process.returncode, out, err)
        assert "Traceback" not in err
        return out, err

    def path(self, *arguments):
        return self.run(*arguments)[0].removesuffix("\n")

    def refused(self, *arguments, code=3, **options):
        """The one line of the error, which is the last; nothing is said on
        standard output."""
        out, err = self.run(*arguments, code=code, **options)
        assert out == ""
        lines = [l for l in err.splitlines() if l.startswith("source_tool: ")]
        assert len(lines) == 1 and err.endswith(lines[0] + "\n"), err
        assert lines[0].startswith("source_tool: [model] expected ")
        return lines[0]

    def there(self, name):
        """{file: content} of a folder in models/."""
        folder = self.models / name
        return {p.name: p.read_bytes() for p in folder.glob("*")}

    def parts(self):
        return sorted((self.models / ".fetch").rglob("*.part"))


@pytest.fixture
def tool(tmp_path, hub):
    return Tool(tmp_path, HF_ENDPOINT=hub.url)


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)
