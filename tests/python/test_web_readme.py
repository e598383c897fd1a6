# SPDX-License-Identifier: MIT
"""The examples of code/web_interface/README.md, run one after the other as they
stand there: a block of bash, and what must come of it, either JSON with these
keys (lists at least as long, numbers and texts of the same type; words that are
not "..." exactly) or the names of the events.
"""

import json
import pathlib
import re
import subprocess

import pytest
from web_models import random_models, serve

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = ROOT / "code" / "web_interface" / "README.md"
BLOCK = re.compile(r"```bash\n(.*?)```\n```(json|events)\n(.*?)```", re.S)
EXACT = ("code", "param", "object", "seed", "pos", "layer", "q", "type")


def examples():
    return BLOCK.findall(README.read_text())


@pytest.fixture(scope="module")
def shell():
    """Runs a script in one shell that goes on: variables stay."""
    with serve(random_models(), "--model", "random") as server:
        process = subprocess.Popen(
            ["bash"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

        def run(script):
            script = script.replace("http://127.0.0.1:8080", server.url)
            process.stdin.write(f"{script}\nprintf '\\n--end--\\n'\n")
            process.stdin.flush()
            lines = []
            while (line := process.stdout.readline()) != "--end--\n":
                assert line, "the shell ended"
                lines.append(line)
            return "".join(lines)

        yield run
        process.communicate("exit\n")


def compare(said, real, where):
    """Everything that the document says is there."""
    if isinstance(said, dict):
        assert isinstance(real, dict), where
        for key, value in said.items():
            assert key in real, f"{where}: no {key} in {list(real)}"
            exact = key in EXACT and value != "..."
            if exact and not isinstance(value, (dict, list)):
                assert real[key] == value, f"{where}.{key}"
            compare(value, real[key], f"{where}.{key}")
    elif isinstance(said, list):
        assert isinstance(real, list) and len(real) >= len(said), where
        for i, value in enumerate(said):
            compare(value, real[i], f"{where}[{i}]")
    elif isinstance(said, float):
        assert isinstance(real, (int, float)), where
    else:
        assert isinstance(real, type(said)), f"{where}: {real!r}"


def test_there_are_examples():
    text = README.read_text()
    assert len(examples()) == text.count("```bash") >= 10


def test_examples(shell):
    for script, kind, expected in examples():
        answer = shell(script)
        if kind == "events":
            names = re.findall(r"^event: (\w+)$", answer, re.M)
            assert names == expected.split(), script
        else:
            compare(json.loads(expected), json.loads(answer), script)
