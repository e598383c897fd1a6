# SPDX-License-Identifier: MIT
"""web_server for the tests, and a client that sends bytes exactly as a test
wrote them: http.client would refuse most of them.
"""

import http.client
import json
import os
import pathlib
import queue
import re
import signal
import socket
import subprocess
import threading

from program_runs import program

SECURITY = {
    "content-security-policy": "default-src 'none'; script-src 'self'; "
    "style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types dompurify",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "vary": "Origin",
}
TYPES = {401: "authentication_error", 429: "rate_limit_error"}


class WebServer:
    """Runs until it is stopped; `home` holds its models."""

    def __init__(self, home, *args, port=0):
        home = pathlib.Path(home)
        (home / "models").mkdir(parents=True, exist_ok=True)
        self.env = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
        self.env["MLX_TUTORIAL_HOME"] = str(home)
        self.env["MLX_TUTORIAL_OFFLINE"] = "1"
        self.process = subprocess.Popen(
            [program("web_server"), "--port", str(port), *map(str, args)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.env,
        )
        self.lines = queue.Queue()
        self.errors = []
        # Read all the time, so that it never waits for us.
        threading.Thread(target=self.read_output, daemon=True).start()
        self.reader = threading.Thread(target=self.read_errors, daemon=True)
        self.reader.start()
        try:
            line = self.lines.get(timeout=60)
        except queue.Empty:
            line = None
        assert line, (self.process.poll(), self.log())
        self.address = line.removeprefix("Open ").strip()
        self.port = int(re.search(r":(\d+)/app/", self.address)[1])
        assert self.get("/api/health").status == 200

    def read_output(self):
        for line in self.process.stdout:
            self.lines.put(line.decode())
        self.lines.put(None)

    def read_errors(self):
        for line in self.process.stderr:
            self.errors.append(line)

    def log(self):
        """What it wrote on standard error so far."""
        return b"".join(self.errors)

    def stop(self, number=signal.SIGTERM, seconds=30):
        """Its exit code, after the signal."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        finally:
            self.process.kill()
            self.reader.join(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def connect(self):
        return Client(self.port)

    def send(self, text, method="GET"):
        """One request as it is, on a connection of its own."""
        with self.connect() as client:
            client.send(text)
            return client.answer(method)

    def get(self, path, method="GET", **headers):
        return self.send(request(method, path, **headers), method)

    def post(self, path, body, **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {
            "Content_Type": "application/json",
            "Content_Length": len(data),
            **headers,
        }
        return self.send(request("POST", path, **headers) + data)


def request(method, path, host="localhost", **headers):
    """The bytes of a request without a body; names with "_" for "-"."""
    lines = [f"{method} {path} HTTP/1.1"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines += [f"{k.replace('_', '-')}: {v}" for k, v in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")


class Answer:
    def __init__(self, response, body):
        self.status = response.status
        self.headers = {k.lower(): v for k, v in response.getheaders()}
        self.body = body

    def json(self):
        return json.loads(self.body)


class Client:
    """A connection. `answer()` reads one answer; None when there is none."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, data):
        """All of it, or as much as the server takes."""
        try:
            self.socket.sendall(
                data.encode() if isinstance(data, str) else data
            )
        except OSError:
            pass

    def makefile(self, _):
        return KeptOpen(self.file)

    def answer(self, method="GET"):
        response = http.client.HTTPResponse(self, method=method)
        try:
            response.begin()
            return Answer(response, response.read())
        except (http.client.RemoteDisconnected, ConnectionError):
            return None

    def events(self):
        """(name, data) of each event of a stream, as they come; the answer's
        head goes to self.head."""
        self.head = http.client.HTTPResponse(self)
        self.head.begin()
        name = data = None
        for line in self.head:
            line = line.decode().rstrip("\n")
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data = line[6:]
            elif line == "" and data is not None:
                yield name, json.loads(data)
                name = data = None

    def is_closed(self):
        """Has the server closed it?"""
        try:
            return self.file.read(1) == b""
        except ConnectionError:
            return True


class KeptOpen:
    """A file that one response may not close: the next one needs it."""

    def __init__(self, file):
        self.file = file

    def __getattr__(self, name):
        return getattr(self.file, name)

    def close(self):
        pass


def check_headers(answer):
    for name, value in SECURITY.items():
        assert answer.headers.get(name) == value, name
    return answer


def check_error(answer, status, code, *words):
    """One of our errors, and nothing else."""
    check_headers(answer)
    assert answer.status == status, (answer.status, answer.body)
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["error"]
    error = answer.json()["error"]
    assert list(error) == ["code", "type", "message", "param"]
    assert error["code"] == code, error
    kind = "server_error" if status >= 500 else "invalid_request_error"
    assert error["type"] == TYPES.get(status, kind)
    message = error["message"]
    assert "\n" not in message and message.endswith(".")
    assert "expected" in message or status == 500
    for bad in ("/root", "/home", "/tmp", "what()", "terminate", "boost"):
        assert bad not in message
    for word in words:
        assert word in message, (word, message)
    return error
