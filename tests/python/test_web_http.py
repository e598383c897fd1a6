# SPDX-License-Identifier: MIT
"""The server against what is no proper HTTP: lying lengths, smuggled requests,
floods, and clients that take their time. Every answer is one of our errors, the
connection is then closed, and the server is as it was before.
"""

import re
import resource
import socket
import statistics
import time

import pytest
from web_corpus import MALFORMED, TOO_MUCH, chunked, post
from web_runs import Client, WebServer, check_error, check_headers, request


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with WebServer(tmp_path_factory.mktemp("web")) as server:
        yield server


def resident(server):
    """Bytes of memory that the server has in use."""
    with open(f"/proc/{server.process.pid}/status") as file:
        return 1024 * int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed(server, name):
    with server.connect() as client:
        client.send(MALFORMED[name].encode("latin-1"))
        answer = client.answer()
        check_error(answer, 400, "invalid_value")
        assert answer.headers["connection"] == "close"
        assert client.is_closed(), "what follows must not be a second request"
    assert server.get("/api/health").status == 200


CODES = {
    413: "body_too_large",
    415: "unsupported_media_type",
    431: "headers_too_large",
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_too_much(server, name):
    text, status = TOO_MUCH[name]
    with server.connect() as client:
        client.send(text.encode("latin-1"))
        check_error(client.answer(), status, CODES[status])
        assert client.is_closed()
    assert server.get("/api/health").status == 200


def test_a_flood_leaves_no_memory_behind(server):
    texts = [*MALFORMED.values(), *(text for text, _ in TOO_MUCH.values())]

    def flood():
        for text in texts:
            with server.connect() as client:
                client.send(text.encode("latin-1"))
                client.answer()

    flood()
    before = resident(server)
    flood()
    assert resident(server) - before < 8 << 20


def test_a_line_of_a_gibibyte_ends_early(server):
    """The client may send for 2 s after the answer, then it is cut off."""
    before = resident(server)
    sent, piece = 0, b"x" * 2**20
    with server.connect() as client:
        with pytest.raises(OSError):
            while sent < 2**40:
                client.socket.sendall(piece)
                sent += len(piece)
    assert resident(server) - before < 8 << 20
    assert server.get("/api/health").status == 200


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "Content-Type: text/plain\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n",
        "Content-Type: multipart/form-data; boundary=x\r\n",
        "Content-Type: application/jsonp\r\n",
        "Content-Type: text/plain; application/json\r\n",
    ],
)
def test_a_post_is_json(server, kind):
    """Else a form of any page could send it without asking first."""
    text = post("Content-Length: 11\r\n", '{"id": "x"}', kind)
    check_error(
        server.send(text), 415, "unsupported_media_type", "Content-Type"
    )


def test_json_with_a_charset_is_json(server):
    kind = "Content-Type: Application/JSON; charset=utf-8\r\n"
    text = post("Content-Length: 11\r\n", '{"id": "x"}', kind)
    assert server.send(text).json() == {"cancelled": False}


def test_chunks_are_a_body(server):
    text = chunked('5;x="y"\r\n{"id"\r\n6\r\n: "x"}\r\n0\r\nTrailer: z\r\n\r\n')
    answer = check_headers(server.send(text))
    assert (answer.status, answer.json()) == (200, {"cancelled": False})


def test_100_continue(server):
    with server.connect() as client:
        client.send(post("Content-Length: 11\r\nExpect: 100-continue\r\n"))
        assert client.file.readline() == b"HTTP/1.1 100 Continue\r\n"
        assert client.file.readline() == b"\r\n"
        client.send('{"id": "x"}')
        assert client.answer().status == 200
        # What is refused anyway is not asked for.
        head = f"Content-Length: {2**21}\r\nExpect: 100-continue\r\n"
        client.send(post(head))
        check_error(client.answer(), 413, "body_too_large")


def test_a_body_of_nearly_1_mib(server):
    answer = server.post("/api/cancel", {"id": "x" * (2**20 - 100)})
    assert answer.status in (200, 400)
    assert check_headers(answer).json()


def test_more_connections_than_there_is_room_for(server):
    """The 1025th is told so; the next one after an end is served."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 4096), most))
    clients = [server.connect() for _ in range(1024)]
    answer = server.get("/api/health")
    error = check_error(answer, 429, "queue_full", "1024")
    assert error["type"] == "rate_limit_error"
    assert answer.headers["retry-after"] == "1"
    for client in clients:
        client.__exit__()
    end = time.monotonic() + 10
    while server.get("/api/health").status != 200:
        assert time.monotonic() < end


def test_keep_alive_and_pipelining(server):
    get = request("GET", "/api/health")
    body = b'{"id": "x"}'
    post = request(
        "POST",
        "/api/cancel",
        Content_Type="application/json",
        Content_Length=len(body),
    )
    with server.connect() as client:
        client.send((get + post + body) * 20 + get)
        for _ in range(20):
            assert client.answer().json()["status"] == "ok"
            assert client.answer().json() == {"cancelled": False}
        assert client.answer().status == 200
        # An error that leaves nothing unread keeps the connection, too.
        client.send(request("GET", "/nothing") + get)
        check_error(client.answer(), 404, "not_found")
        assert client.answer().status == 200
        client.send(request("GET", "/api/health", Connection="close") + get)
        assert client.answer().headers["connection"] == "close"
        assert client.is_closed()


def test_http_1_0(server):
    with server.connect() as client:
        client.send("GET /api/health HTTP/1.0\r\nHost: localhost\r\n\r\n")
        assert client.answer().json()["status"] == "ok"
        assert client.is_closed()


def test_a_request_in_single_bytes(server):
    with server.connect() as client:
        for byte in request("GET", "/api/health"):
            client.send(bytes([byte]))
        assert client.answer().status == 200


@pytest.mark.parametrize(
    "method, path, allow",
    [
        ("POST", "/api/health", "GET, HEAD"),
        ("GET", "/api/generate", "POST"),
        ("HEAD", "/api/events", "GET"),
        ("PUT", "/api/runs/x", "GET, HEAD, DELETE"),
        ("POST", "/app/", "GET, HEAD"),
        ("DELETE", "/nothing", "GET, HEAD"),
        ("TRACE", "/", "GET, HEAD"),
        ("BREW", "/v1/models", "GET, HEAD"),
    ],
)
def test_methods(server, method, path, allow):
    answer = server.get(path, method, Content_Type="application/json")
    if method == "HEAD":
        check_headers(answer)
        assert (answer.status, answer.body) == (405, b"")
    else:
        check_error(answer, 405, "method_not_allowed", allow)
    assert answer.headers["allow"] == allow


def test_every_answer_has_the_headers(server):
    tag = check_headers(server.get("/docs/performance.md")).headers["etag"]
    answer = check_headers(
        server.get("/docs/performance.md", If_None_Match=tag)
    )
    assert (answer.status, answer.body) == (304, b"")
    for path in ("/", "/app", "/api/health", "/api/models", "/docs/index.json"):
        check_headers(server.get(path))
    for host in ("evil.com", None):
        answer = server.send(request("GET", "/", host=host))
        check_error(answer, 403, "host_not_allowed")


@pytest.mark.parametrize(
    "path",
    [
        "/api/models?x=1",
        "/api/health?",
        "/api/training/x/events?after=-1",
        "/api/training/x/events?after=1.5",
        "/api/training/x/events?after=",
        "/api/training/x/events?before=1",
        "/api/runs/x?a=1&a=2",
        "/api/runs/x/row?q=%",
        "/api/runs/x/row?q=%ff",
        "/api/runs/x/row?=1",
    ],
)
def test_queries_are_strict(server, path):
    answer = server.get(path)
    if path.endswith("?"):
        assert answer.status == 200
    else:
        assert answer.json()["error"]["code"] in (
            "unknown_param",
            "invalid_value",
            "out_of_range",
            "wrong_type",
        )
        assert check_headers(answer).status == 400


def test_slow_clients_are_ended_and_nobody_waits_for_them(server):
    """Headers and bodies a byte at a time, and connections that say nothing."""
    begin = time.monotonic()
    head = request("POST", "/api/cancel").removesuffix(b"\r\n")
    whole = post("Content-Length: 1000000\r\n", "{").encode()
    slow = [Client(server.port) for _ in range(40)]
    idle = [Client(server.port) for _ in range(200)]
    for i, client in enumerate(slow):
        client.send(head[:40] if i % 2 else whole)
        client.socket.settimeout(0.001)
    ended, waited = {}, []
    while len(ended) < len(slow) and time.monotonic() < begin + 20:
        for i, client in enumerate(slow):
            if i in ended:
                continue
            client.send(" ")
            try:
                if client.socket.recv(1, socket.MSG_PEEK):
                    client.socket.settimeout(5)
                    ended[i] = time.monotonic() - begin
                    check_error(client.answer(), 408, "timeout")
            except TimeoutError:
                pass
        asked = time.monotonic()
        assert server.get("/api/health").status == 200
        waited.append(time.monotonic() - asked)
        time.sleep(0.5)
    assert len(ended) == len(slow)
    assert 9 < min(ended.values()) and max(ended.values()) < 15
    assert statistics.median(waited) < 0.2
    for client in idle:
        assert client.is_closed()
    for client in slow + idle:
        client.__exit__()
