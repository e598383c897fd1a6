# SPDX-License-Identifier: MIT
"""Streams of events: their frame, their status, and what happens when the
client goes away, does not read, or sends the next request too early.
"""

import json
import socket
import struct
import time

import pytest
from generate_runs import write_model
from program_runs import Home
from web_runs import WebServer, check_error, check_headers, request

LONG = {"prompt": "The cat", "temperature": 0, "max_tokens": 4000}
SHORT = {"prompt": "The cat", "temperature": 1, "seed": 5, "max_tokens": 40}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """With a model whose texts do not end by themselves."""
    home = tmp_path_factory.mktemp("web")
    write_model(home / "models" / "random", context=4096, marks=[])
    return home


@pytest.fixture(scope="module")
def server(home):
    with WebServer(home, "--model", "random") as server:
        server.post("/api/generate", {**SHORT, "stream": False})  # loads it
        yield server


def post(path, body):
    data = json.dumps(body).encode()
    kind = "application/json"
    return (
        request("POST", path, Content_Type=kind, Content_Length=len(data))
        + data
    )


def events_of(server, path, body):
    with server.connect() as client:
        client.send(post(path, body))
        events = list(client.events())
        assert client.is_closed()
        return events


def wait_until_idle(server, seconds):
    begin = time.monotonic()
    while True:
        queue = server.get("/api/health").json()["queue"]
        if queue["running"] == queue["waiting"] == 0:
            return time.monotonic() - begin
        assert time.monotonic() < begin + seconds, queue
        time.sleep(0.01)


def test_the_frame_of_a_stream(server):
    with server.connect() as client:
        client.send(post("/api/generate", SHORT))
        answer = check_headers(client.answer())
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["connection"] == "close"
    blocks = answer.body.decode().split("\n\n")
    assert blocks.pop() == ""
    names = []
    for i, block in enumerate(blocks):
        number, name, data = block.split("\n")
        assert number == f"id: {i}"
        names.append(name.removeprefix("event: "))
        json.loads(data.removeprefix("data: "))
    while "prefill" in names:
        names.remove("prefill")
    assert names == ["start"] + ["token"] * 40 + ["done"]


def test_a_stream_says_what_one_answer_says(server):
    events = events_of(server, "/api/generate", SHORT)
    whole = server.post("/api/generate", {**SHORT, "stream": False}).json()
    tokens = [data for name, data in events if name == "token"]
    assert "".join(t["text"] for t in tokens) == whole["text"]
    assert [t["id"] for t in tokens] == [t["id"] for t in whole["tokens"]]
    assert whole["reason"] == events[-1][1]["reason"] == "length"


def test_http_1_0_has_no_chunks(server):
    text = post("/api/generate", SHORT).replace(b"HTTP/1.1", b"HTTP/1.0")
    with server.connect() as client:
        client.send(text)
        head, body = client.file.read().split(b"\r\n\r\n", 1)
    assert b"chunked" not in head
    assert body.startswith(b"id: 0\nevent: ")
    assert body.endswith(b"\n\n") and b"event: done" in body


def test_openai_streams_end_with_done(server):
    body = {"prompt": "The cat", "max_tokens": 4, "stream": True}
    with server.connect() as client:
        client.send(post("/v1/completions", body))
        text = client.answer().body.decode()
    assert text.endswith("\n\ndata: [DONE]\n\n")
    for block in text.split("\n\n")[:-2]:
        assert json.loads(block.removeprefix("data: "))["object"]


@pytest.mark.parametrize("stream", [True, False])
def test_what_is_found_wrong_late_is_still_a_status(home, stream):
    """The model is read first; nobody knows the length before."""
    with WebServer(home) as server:
        body = {"prompt": "cat " * 9000, "stream": stream}
        answer = server.post("/api/generate", {"model": "random", **body})
        error = check_error(answer, 400, "context_length_exceeded", "4096")
        assert error["message"].count("4096") >= 1
        answer = server.post("/api/generate", {**body, "model": "other"})
        check_error(answer, 404, "model_not_found")


def leave(client, how):
    if how == "reset":
        option = struct.pack("ii", 1, 0)  # no farewell at all
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, option)
    if how == "half":
        client.socket.shutdown(socket.SHUT_WR)
    else:
        client.file.close()
        client.socket.close()


@pytest.mark.parametrize("how", ["close", "reset", "half"])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("path", ["/api/generate", "/v1/completions"])
def test_who_leaves_stops_the_computing(server, how, stream, path):
    client = server.connect()
    body = {**LONG, "stream": stream}
    client.send(post(path, body))
    if stream:
        client.file.readline()
    else:
        time.sleep(0.1)
    assert server.get("/api/health").json()["queue"]["running"] == 1
    leave(client, how)
    assert wait_until_idle(server, 10) < 1


def test_who_leaves_while_reading_a_text(server):
    """No slot, no file and no answer is left behind."""
    for i in range(20):
        with server.connect() as client:
            client.send(post("/api/inspect", {"text": "The cat sat. " * 20}))
    assert wait_until_idle(server, 10) < 5
    answer = server.post("/api/tokenize", {"text": "The cat"})
    assert answer.status == 200


def test_the_next_request_waits_for_its_turn(server):
    """It comes while the first one is worked on in another thread."""
    ask = post("/api/inspect", {"text": "The cat sat on the mat."})
    write = post("/api/generate", {**SHORT, "stream": False})
    with server.connect() as client:
        client.send((ask + request("GET", "/api/health") + write) * 5)
        for _ in range(5):
            assert client.answer().status == 201
            assert client.answer().json()["status"] == "ok"
            assert client.answer().json()["reason"] == "length"


def test_who_does_not_read_is_cancelled(server):
    """After 5 to 10 s without room; another stream does not notice."""
    client = server.connect()
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    client.send(post("/api/generate", {**LONG, "top_logprobs": 20}))
    begin = time.monotonic()
    time.sleep(1)
    assert len(events_of(server, "/api/generate", SHORT)) >= 42
    assert wait_until_idle(server, 30) > 3
    assert time.monotonic() - begin < 25
    with client:  # what was on its way can still be read, then it is over
        assert b"HTTP/1.1 200" in client.file.readline()


def test_a_ping_after_5_s_of_silence(server):
    with server.connect() as client:
        client.send(request("GET", "/api/events"))
        begin = time.monotonic()
        while client.file.readline() != b": ping\n":
            assert time.monotonic() < begin + 8
        assert 4 < time.monotonic() - begin < 7


def test_models_tell_their_state(home):
    with WebServer(home) as server, server.connect() as client:
        client.send(request("GET", "/api/events"))
        events = client.events()
        seen = [next(events) for _ in server.get("/api/models").json()["data"]]
        assert {name for name, _ in seen} == {"model"}
        assert all(data["state"] == "unloaded" for _, data in seen)
        answer = server.post("/api/models/load", {"id": "random"})
        assert answer.status == 202
        states = []
        while not states or states[-1] != "loaded":
            name, data = next(events)
            assert (name, data["id"]) == ("model", "random")
            states.append(data["state"])
        assert states in (["loading", "loaded"], ["loaded"])


# --- training ----------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A home with one finished run of 300 steps, "done"."""
    home = Home(tmp_path_factory.mktemp("train"))
    home.train("--steps", 300, "--out", home.models / "done")
    return home


def lines_of(home, name):
    text = (home.models / name / "metrics.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def watch(server, name, query=""):
    with server.connect() as client:
        client.send(request("GET", f"/api/training/{name}/events{query}"))
        events = list(client.events())
        assert client.is_closed()
        return events


def test_a_finished_run_is_told_and_ends(trained):
    with WebServer(trained.models.parent) as server:
        (run,) = server.get("/api/training").json()["data"]
        assert (run["id"], run["state"], run["step"]) == (
            "done",
            "finished",
            300,
        )
        events = watch(server, "done")
        names = [name for name, _ in events]
        assert names[:2] == ["state", "head"] and names[-1] == "done"
        assert events[0][1] == {"state": "finished"}
        first, *others = lines_of(trained, "done")
        assert events[1][1] == first
        told = [data["lines"] for name, data in events if name == "steps"]
        assert max(map(len, told)) <= 256
        assert sum(told, []) == others
        for after in (0, 1, 299, len(others), 10**6):
            events = watch(server, "done", f"?after={after}")
            assert [d for n, d in events if n == "head"] == [first]
            told = [d["lines"] for n, d in events if n == "steps"]
            assert sum(told, []) == others[after:]
        for name in ("nothing", "..", "%2e%2e", "done%00", "a/b"):
            path = f"/api/training/{name}/events"
            check_error(server.get(path), 404, "not_found")


def test_a_run_is_followed(trained):
    with WebServer(trained.models.parent) as server:
        out = trained.models / "running"
        training = trained.start("--steps", 10**6, "--out", out)
        try:
            while not (out / "metrics.jsonl").exists():
                assert training.poll() is None
                time.sleep(0.01)
            with server.connect() as client:
                client.send(request("GET", "/api/training/running/events"))
                events = client.events()
                steps = []
                name, data = next(events)
                assert (name, data) == ("state", {"state": "running"})
                while len(steps) < 600:
                    name, data = next(events)
                    if name == "steps":
                        steps += [line["step"] for line in data["lines"]]
                training.terminate()  # it saves what it has
                names = [name for name, _ in events]
                assert names[-1] == "done" and "state" in names
        finally:
            training.kill()
            training.communicate()
        assert steps == sorted(set(steps)), "each once, in order"
