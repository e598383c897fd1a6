# SPDX-License-Identifier: MIT
"""Conversations with generate: lines from a pipe, and a terminal."""

import json
import os
import pty
import select
import signal
import subprocess
import time

import pytest
from generate_runs import run, said, write_model
from program_runs import program

GREEDY = ["--temperature", 0, "--max-tokens", 12]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("chat") / "model", context=2048)


def chat(folder, lines, *args, code=0):
    text = "".join(line + "\n" for line in lines)
    return run("--model", folder, *args, code=code, stdin=None, input=text)


def test_a_conversation_is_read_as_one_text(folder, tmp_path):
    save = tmp_path / "talk.json"
    lines = ["Hello.", "", "The cat?", f"/save {save}", "/quit", "never read"]
    done = chat(folder, lines, *GREEDY, "--system", "Be brief.")
    talk = json.loads(save.read_text())
    roles = [m["role"] for m in talk]
    assert roles == ["system", "user", "assistant", "user", "assistant"]
    assert [talk[i]["content"] for i in (0, 1, 3)] == [
        "Be brief.",
        "Hello.",
        "The cat?",
    ]
    answers = talk[2]["content"] + "\n" + talk[4]["content"] + "\n"
    assert done.stdout == answers + f"saved 5 messages in {save}\n"
    assert done.stderr == ""
    # The second answer is what the whole conversation gives, read afresh.
    whole = "".join(
        f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in talk[:4]
    )
    whole += "<|im_start|>assistant\n"
    fresh = said("--model", folder, "--raw", "--prompt", whole, *GREEDY)
    if "\ufffd" not in talk[2]["content"]:  # else the text is not the tokens
        assert fresh["text"] == talk[4]["content"]


def test_reset_forgets(folder, tmp_path):
    save = tmp_path / "talk.json"
    done = chat(
        folder, ["Hello.", "/reset", "Hello.", f"/save {save}"], *GREEDY
    )
    talk = json.loads(save.read_text())
    assert len(talk) == 2
    answer = talk[1]["content"] + "\n"
    assert done.stdout.startswith(answer + answer)


def test_another_model_and_one_that_fails(folder, tmp_path):
    other = write_model(tmp_path / "other", seed=5)
    lines = ["Hello.", "/model no-such-model", "/reset", "Hello."]
    lines += [f"/model {other}", "/reset", "Hello.", "/model"]
    done = chat(folder, lines, *GREEDY)
    shown = done.stdout.split(f"now talking to {other}\n")
    first = said("--model", folder, "--prompt", "Hello.", *GREEDY)["text"]
    second = said("--model", other, "--prompt", "Hello.", *GREEDY)["text"]
    assert first != second
    assert shown == [2 * (first + "\n"), second + "\n"]
    errors = done.stderr.splitlines()
    assert len(errors) == 2, errors
    assert "no-such-model" in errors[0] and "expected /model NAME" in errors[1]


def test_errors_cost_a_message_only(folder):
    lines = ["/nonsense", "/save", "/save /no/such/folder/x", "x" * 5000, "Hi"]
    done = chat(folder, [*lines, "/help"], *GREEDY)
    errors = done.stderr.splitlines()
    assert len(errors) == 4, errors
    assert all(e.startswith("generate: [") for e in errors)
    assert "/nonsense" in errors[0] and "expected at most 2048" in errors[3]
    alone = said("--model", folder, "--prompt", "Hi", *GREEDY)["text"]
    assert done.stdout.startswith(alone + "\n/reset ")


def test_options_that_need_a_prompt(folder):
    done = run("--model", folder, "--json", code=2)
    assert "expected --json with --prompt" in done.stderr


class Terminal:
    """generate in a terminal of its own."""

    def __init__(self, *args):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [program("generate"), *map(str, args)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: os.set_inheritable(slave, True),
        )
        os.close(slave)
        self.seen = ""

    def until(self, text, count=1, seconds=60):
        end = time.monotonic() + seconds
        while self.seen.count(text) < count:
            assert time.monotonic() < end, self.seen
            if select.select([self.master], [], [], 0.1)[0]:
                got = os.read(self.master, 4096)
                self.seen += got.decode(errors="replace")

    def type(self, text):
        os.write(self.master, text.encode())

    def interrupt(self):
        os.kill(self.process.pid, signal.SIGINT)


def test_ctrl_c_ends_an_answer_then_the_program(tmp_path):
    model = write_model(tmp_path / "model", context=16384)  # it could go on
    terminal = Terminal("--model", model, "--max-tokens", 16000, "--ignore-eos")
    try:
        terminal.until(">>> ")
        terminal.type("Hello.\n")
        time.sleep(0.3)
        begin = len(terminal.seen)
        terminal.until("\n", count=3)  # the echo of the message
        terminal.interrupt()
        terminal.until(">>> ", count=2)
        assert begin < len(terminal.seen) < 16000
        terminal.type("/help\n")
        terminal.until("/reset ")
        terminal.until(">>> ", count=3)
        terminal.interrupt()
        assert terminal.process.wait(60) == -signal.SIGINT
    finally:
        terminal.process.kill()
        terminal.process.wait()
        os.close(terminal.master)


def test_ctrl_c_keeps_what_was_written(tmp_path):
    model = write_model(tmp_path / "model", context=16384)
    args = ["--model", model, "--prompt", "x", "--max-tokens", 16000]
    command = [program("generate"), *map(str, args), "--ignore-eos"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdout=pipe, stderr=pipe, bufsize=0
    ) as process:
        begin = process.stdout.read(20)
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and errors == b""
    text = (begin + rest).decode()
    assert 1 < len(text) < 16000 and text.endswith("\n")
