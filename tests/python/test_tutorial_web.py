# SPDX-License-Identifier: MIT
"""./tutorial web, and the page at the end of ./tutorial start: who is started
with what, when a browser is opened, how it ends. The server is a stand-in (see
sandbox.py)."""
import signal
import socket
import time

import pytest
from sandbox import Sandbox

STORY = "Once upon a time.\n"


@pytest.fixture
def box(tmp_path):
    box = Sandbox(tmp_path)
    (box.bin / "curl").unlink()  # the real one asks the stand-in
    return box


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


def stop(box, process, number=signal.SIGTERM):
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    return out


def test_web_passes_its_options_and_ends_in_exec(box):
    port = free_port()
    options = ["--models", "my models", "--cors-origin", "https://a.example"]
    options += ["--allow-host", "b.example", "--model", "tales", "--threads"]
    options += ["2", "--device", "cpu", "--token=t"]
    process = box.popen("web", "--port", port, "--no-browser", *options)
    assert process.stdout.readline() == f"pid {process.pid}\n"
    stop(box, process)
    wanted = " ".join(map(repr, ["--port", port, *options]))
    assert box.calls("web_server") == [f"web_server {wanted}"]
    assert not box.calls("xdg-open")


def test_web_takes_our_options_first(box):
    home = box.folder / "other home"
    done = box.run("web", "--home", str(home), "--offline", "--no-browser")
    assert done.returncode == 0, done.stderr
    assert box.calls("web_server") == ["web_server"]
    assert (home / "models").is_dir()


def opened(box, *options, seconds=20, **env):
    """The addresses that a browser was given, with a terminal; the server lives
    until one was, or for `seconds`."""
    port = free_port()
    server = box.clone / "code/web_interface/server.cpp"
    text = server.read_text().replace(
        "http.server.HTTPServer",
        "import threading, time\n"
        "def end():\n"
        f"    until = time.time() + {seconds}\n"
        "    while time.time() < until:\n"
        "        if 'open http' in open(os.environ['SANDBOX_LOG']).read():\n"
        "            break\n"
        "        time.sleep(0.05)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "threading.Thread(target=end).start()\n"
        "http.server.HTTPServer",
    )
    server.write_text(text)
    status, shown = box.run_on_terminal("web", "--port", port, *options, **env)
    assert status == 0, shown
    calls = box.calls("xdg-open", "open")
    return [call.replace(port, "PORT") for call in calls]


def test_browser_is_opened_when_the_server_answers(box):
    page = "http://127.0.0.1:PORT/app/"
    assert opened(box, DISPLAY=":0") == [f"xdg-open {page}"]


def test_browser_of_a_wayland_screen(box):
    assert len(opened(box, WAYLAND_DISPLAY="wayland-0")) == 1


@pytest.mark.parametrize(
    "options, env",
    [
        ([], {}),  # no screen
        (["--no-browser"], {"DISPLAY": ":0"}),
        (["--host", "0.0.0.0"], {"DISPLAY": ":0"}),
        (["--host=0.0.0.0"], {"DISPLAY": ":0"}),
    ],
)
def test_browser_stays_closed(box, options, env):
    assert opened(box, *options, seconds=1.5, **env) == []


def test_browser_of_a_mac(tmp_path):
    mac = Sandbox(tmp_path, mac=True)
    (mac.bin / "curl").unlink()
    assert opened(mac) == ["open http://127.0.0.1:PORT/app/"]


def test_nobody_waits_for_a_server_that_has_ended(box):
    """It has no port: curl would wait for 8080, which nobody serves."""
    begin = time.monotonic()
    status, shown = box.run_on_terminal("web", DISPLAY=":0")
    assert status == 0 and time.monotonic() - begin < 15, shown


def test_start_ends_with_the_page_of_the_new_model(box):
    status, shown = box.run_on_terminal("start")
    assert status == 0, shown
    assert STORY in shown and "Ctrl-C ends it" in shown
    assert box.calls("web_server") == ["web_server '--model' 'tales-1'"]


def test_start_gives_the_status_of_the_server(box):
    server = box.clone / "code/web_interface/server.cpp"
    server.write_text("#!/bin/sh\nexit 4\n")
    assert box.run_on_terminal("start")[0] == 4


def test_start_without_terminal_or_browser_says_the_command(box):
    done = box.run("start")
    assert done.returncode == 0 and done.stdout == STORY
    assert "./tutorial web" in done.stderr
    status, shown = box.run_on_terminal("start", "--no-browser")
    assert status == 0 and "./tutorial web" in shown
    assert not box.calls("web_server")
    assert not (box.clone / "build/release/bin/web_server").exists()


def test_start_of_a_training_that_failed_opens_nothing(box):
    status, _ = box.run_on_terminal("start", SANDBOX_TRAIN_STATUS="5")
    assert status == 5 and not box.calls("web_server")


def test_start_after_ctrl_c_gives_the_terminal_back(box):
    box.run("run", "simple_llm")
    status, shown = box.run_on_terminal(
        "start", answer="\x03", after="begun", SANDBOX_TRAIN_SECONDS="30"
    )
    assert status == 0 and "Stopped early" in shown
    assert "./tutorial web" in shown and not box.calls("web_server")
