# SPDX-License-Identifier: MIT
"""Runs of simple_llm for the tests: a tiny model on a tiny text, each group of
tests in a home folder of its own. LLM_PROGRAMS names the folder of the built
programs (./tutorial test builds them and sets it).
"""

import hashlib
import json
import os
import pathlib
import random
import re
import subprocess
import time

import pytest

# One layer of 16: a step takes milliseconds, start-up is most of a run.
TINY = ["--architecture", "gpt2", "--layers", 1, "--width", 16, "--heads", 2]
TINY += ["--block", 16, "--batch", 2]


def program(name="simple_llm", variable="LLM_PROGRAMS"):
    build = f"run ./tutorial test, which builds it and sets {variable}"
    if variable not in os.environ:
        pytest.fail(f"{variable} is not set: {build}")
    path = pathlib.Path(os.environ[variable]) / name
    if not path.is_file():
        pytest.fail(f"{name} was not built in {path.parent}: {build}")
    return str(path)


def tool(name):
    return program(name, "LLM_TEST_TOOLS")


def small_text(sentences=500):
    """Sentences from a few words: about 20 characters each, some not ASCII."""
    choice = random.Random(7).choice
    who, did = ["The fox", "A café", "Zoë", "An owl"], ["saw", "lost", "kept"]
    what = ["a stone", "the moon", "nothing", "two keys", "its name"]
    made = [
        f"{choice(who)} {choice(did)} {choice(what)}." for _ in range(sentences)
    ]
    return "\n".join(made) + "\n"


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def contents(folder):
    """What is in a folder: {relative path: hash}. Half a save that a kill left
    (.tmp-...) is nothing that could be lost."""
    files = sorted(p for p in pathlib.Path(folder).rglob("*") if p.is_file())
    return {
        str(p.relative_to(folder)): sha256(p)
        for p in files
        if ".tmp-" not in str(p.relative_to(folder))
    }


def last_json(done):
    return json.loads(done.stdout.splitlines()[-1])


def metrics(folder):
    """(first line, the other lines) of metrics.jsonl; a line that is being
    written right now is left out."""
    try:
        text = (pathlib.Path(folder) / "metrics.jsonl").read_text()
    except FileNotFoundError:
        return None, []
    lines = [json.loads(t) for t in text.split("\n")[:-1]]
    return (lines[0], lines[1:]) if lines else (None, [])


def steps_done(folder):
    steps = metrics(folder)[1]
    return steps[-1]["step"] if steps else 0


def wait_for(condition, process, seconds=120):
    """Looks every few milliseconds; fails when the process ends before."""
    end = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None:
            return False
        if time.monotonic() > end:
            process.kill()
            process.wait()
            pytest.fail(f"nothing happened in {seconds} s")
        time.sleep(0.002)
    return True


class Home:
    """A tutorial home with a small text in it."""

    def __init__(self, folder, text=None):
        self.folder = pathlib.Path(folder)
        self.models = self.folder / "home" / "models"
        self.text = self.folder / "text.txt"
        self.text.write_text(text or small_text(), encoding="utf-8")
        self.env = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
        self.env["MLX_TUTORIAL_HOME"] = str(self.folder / "home")

    def command(self, *args):
        return [program(), *map(str, args)]

    def run(self, *args, code=0, **options):
        """Runs it to its end; the exit code must be `code` (None: any)."""
        options = {"stdin": subprocess.DEVNULL, "env": self.env, **options}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        done = subprocess.run(
            self.command(*args), text=True, timeout=300, **{**pipes, **options}
        )
        if code is not None:
            assert done.returncode == code, (args, done.returncode, done.stderr)
        return done

    def train(self, *args, code=0, **options):
        """A tiny run on the text of this home; later arguments win."""
        base = ["train", "--data", self.text, *TINY]
        return self.run(*without(base, args), *args, code=code, **options)

    def start(self, *args):
        """The same, in the background."""
        base = ["train", "--data", self.text, *TINY]
        return subprocess.Popen(
            self.command(*without(base, args), *args),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.env,
            text=True,
        )


def without(base, args):
    """`base` without the options (and their values) that `args` sets."""
    out, skip = [], False
    for item in base:
        if skip:
            skip = False
        elif str(item).startswith("--") and item in args:
            skip = True
        else:
            out.append(item)
    return out


def error_line(done, code):
    """The error of a run that had to fail: one line, the last on standard
    error, "simple_llm: [where] ..."."""
    text = done.stderr
    assert done.returncode == code, (done.returncode, text[-2000:])
    for bad in (
        "terminate called",
        "Assertion",
        "what():",
        "Traceback",
        "core dump",
    ):
        assert bad not in text
    lines = text.splitlines()
    errors = [line for line in lines if line.startswith("simple_llm: ")]
    assert len(errors) == 1 and lines[-1] == errors[0], text
    assert re.match(r"simple_llm: \S.* \S+", errors[0])
    return errors[0]


def refused(done, code, *words):
    """Nothing was begun: standard error is that one line, output is empty."""
    line = error_line(done, code)
    assert done.stderr == line + "\n" and done.stdout == ""
    for word in words:
        assert word in line, (word, line)
    return line
