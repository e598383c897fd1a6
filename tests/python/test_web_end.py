# SPDX-License-Identifier: MIT
"""How the server begins and ends: its port, its options, signals, and what its
log says.
"""

import signal
import socket
import subprocess
import time

import pytest
from generate_runs import write_model
from program_runs import program
from web_runs import WebServer, check_error, request


def run(home, *args):
    """Runs it to an end that it must come to by itself."""
    return subprocess.run(
        [program("web_server"), *map(str, args)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        env={"MLX_TUTORIAL_HOME": str(home), "PATH": "/usr/bin:/bin"},
    )


def refused(done, code, *words):
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("web_server: [")
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """With a model whose texts do not end by themselves."""
    home = tmp_path_factory.mktemp("web")
    write_model(home / "models" / "random", context=4096, marks=[])
    return home


def test_a_port_in_use(tmp_path):
    with WebServer(tmp_path) as server:
        for _ in range(5):
            done = run(tmp_path, "--port", server.port)
            refused(done, 4, f"port {server.port} in use", "--port")
        assert server.get("/api/health").status == 200
        port = server.port
        assert server.stop() == 0
    with WebServer(tmp_path, port=port) as server:  # free again at once
        assert server.port == port


@pytest.mark.parametrize(
    "args, code, word",
    [
        (["--port", "65536"], 2, "--port"),
        (["--port", "x"], 2, "--port"),
        (["--port", "-1"], 2, "--port"),
        (["--wrong"], 2, "--wrong"),
        (["--cors-origin", "*"], 2, "--cors-origin"),
        (["--cors-origin", "null"], 2, "--cors-origin"),
        (["--cors-origin", "http://a/"], 2, "--cors-origin"),
        (["--host", "0.0.0.0"], 2, "--allow-host"),
        (["--allow-host", "a"], 2, "--host"),
        (["--host", "0.0.0.0", "--allow-host", "*"], 2, "--allow-host"),
        (["--host", "0.0.0.0", "--allow-host", "a:80"], 2, "--allow-host"),
        (["--token", "a b"], 2, "--token"),
        (["--host", "192.0.2.1", "--allow-host", "a"], 4, "192.0.2.1"),
        (["--host", "no.such.host", "--allow-host", "a"], 4, "no.such.host"),
        (["--models", "/nowhere"], 3, "--models"),
        (["--model", "nothing"], 3, "nothing"),
        (["--model", "../models"], 3, "--model"),
    ],
)
def test_wrong_options(tmp_path, args, code, word):
    refused(run(tmp_path, *args), code, word)


def test_a_damaged_model_at_the_start(home):
    write_model(home / "models" / "half", marks=[])
    file = home / "models" / "half" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    refused(run(home, "--model", "half"), 3, "half")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it(tmp_path, number):
    with WebServer(tmp_path) as server, server.connect() as idle:
        idle.send(request("GET", "/api/health"))
        assert idle.answer().status == 200
        begin = time.monotonic()
        assert server.stop(number) == 0
        assert time.monotonic() - begin < 5
        assert idle.is_closed()


def generate(model="random", **body):
    return {"model": model, "prompt": "The cat", "temperature": 0, **body}


def post(body):
    import json

    data = json.dumps(body).encode()
    head = request(
        "POST",
        "/api/generate",
        Content_Type="application/json",
        Content_Length=len(data),
    )
    return head + data


def test_streams_end_with_an_event(home):
    """Short ones reach their end, long ones are cut off, and say so."""
    with WebServer(home) as server:
        streams = []
        for i in range(8):
            client = server.connect()
            client.send(post(generate(max_tokens=4 if i % 2 else 4000)))
            streams.append(client.events())
            assert next(streams[-1])[0] in ("start", "prefill")
        watching = server.connect()
        watching.send(request("GET", "/api/events"))
        changes = watching.events()
        assert next(changes)[0] == "model"
        begin = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        last = [list(events)[-1] for events in streams]
        assert list(changes) is not None  # it ends, too
        assert server.stop() == 0
        assert time.monotonic() - begin < 10.5
        for i, (name, data) in enumerate(last):
            assert name == "done", data
            assert i % 2 == 0 or data["reason"] == "length"
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", server.port), 1)


def test_who_asks_while_it_drains(home):
    with WebServer(home) as server:
        asks, busy = server.connect(), server.connect()
        asks.send(request("GET", "/api/health"))
        assert asks.answer().json()["status"] == "ok"
        busy.send(post(generate(max_tokens=4000)))
        events = busy.events()
        next(events)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        asks.send(request("GET", "/api/health"))
        answer = asks.answer()
        assert answer.json()["status"] == "draining"
        assert answer.status == 503 and int(answer.headers["retry-after"]) > 0
        assert answer.headers["connection"] == "close"
        busy.__exit__()
        assert server.stop() == 0


def test_a_second_signal_ends_it_at_once(home):
    with WebServer(home) as server, server.connect() as client:
        client.send(post(generate(max_tokens=4000)))
        events = client.events()
        next(events)
        server.process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        begin = time.monotonic()
        assert server.stop(signal.SIGINT) == 0
        assert time.monotonic() - begin < 1


TERMINAL = [
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x9b2J",
    "\r\nGET / ",
    "\x00",
]
SECRET = "my-secret-prompt"


def test_the_log_has_no_prompt_and_no_control_codes(home):
    with WebServer(home) as server:
        for text in TERMINAL:
            body = generate(prompt=SECRET + text, max_tokens=1, stream=False)
            assert server.post("/api/generate", body).status == 200
            body = generate(model=SECRET + text)
            assert server.post("/api/generate", body).status in (400, 404)
            answer = server.get("/" + SECRET + "%1b%5b31m%0d%0a")
            check_error(answer, 404, "not_found")
            server.send(request("GET", "/", host=SECRET + text))
            server.post("/api/generate", (SECRET + text).encode())
        assert server.stop() == 0
        log = server.log()
        assert SECRET.encode() not in log
        assert all(byte >= 32 or byte == 10 for byte in log)
