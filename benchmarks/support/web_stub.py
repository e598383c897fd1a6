# SPDX-License-Identifier: MIT
"""The page from a server that answers what it is told to: streams that are cut
at any byte, stall, break off or never end, names and texts as nasty as one
likes. Paths that it has no answer for are 404.
"""

import http.server
import json
import pathlib
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
APP = ROOT / "code" / "web_interface"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types dompurify"
)
MODEL = {
    "id": "stub", "name": "stub", "arch": "llama", "params": 135000,
    "n_layers": 2, "n_heads": 4, "n_kv_heads": 2, "n_ctx": 4096, "vocab": 300,
    "dtype": "float32", "bytes": 540000, "state": "loaded", "downloaded": True,
    "default": True, "base": None, "tokenizer": "bpe", "error": None,
    "capabilities": ["chat", "attention", "lens", "whatif"],
}  # fmt: skip


def event(name, number, data):
    text = json.dumps(data, ensure_ascii=False)
    return f"event: {name}\nid: {number}\ndata: {text}\n\n".encode()


def token(text, number=0):
    data = text.encode()
    return {"id": number, "text": text, "bytes": list(data)}


def generation(texts, reason="length"):
    """The events of a stream that writes these tokens: [(name, data)]."""
    start = {
        "id": "0" * 32, "run": None, "model": "stub", "seed": 1, "protocol": 1,
        "params": {"temperature": 1}, "prompt": [token("Once")],
        "chain": [{"name": "temperature", "effect": "1"}],
    }  # fmt: skip
    out = [("start", start), ("prefill", {"done": 1, "total": 1})]
    for i, text in enumerate(texts):
        other = {**token(text), "logprob_raw": -1.0, "prob_final": 0.4}
        out.append(("token", {
            "i": i, **token(text), "logprob_raw": -1.0, "prob_final": 0.4,
            "entropy": 1.5, "rank": 1, "ms": 5.0,
            "top": [{**other, "cut_by": None}, {**other, "cut_by": "top_k"}],
        }))  # fmt: skip
    usage = {"prompt_tokens": 1, "cached_tokens": 0}
    usage |= {"completion_tokens": len(texts), "total_tokens": 1 + len(texts)}
    timings = {"queue_ms": 0, "prefill_ms": 1, "first_token_ms": 2}
    timings |= {"decode_ms": 5.0 * len(texts), "tokens_per_s": 200}
    done = {"reason": reason, "usage": usage, "timings": timings, "run": None}
    return [*out, ("done", done)]


def encoded(events):
    return [event(name, i, data) for i, (name, data) in enumerate(events)]


class Stub:
    """`pieces(body)` yields what /api/generate sends: bytes, or seconds to
    wait; or it is an answer. `answers[path]` is JSON, (status, JSON) or bytes,
    `streams[path]` a list of (event, data) after which the connection closes,
    `headers[path]` more headers."""

    def __init__(self, pieces=None):
        self.models = [MODEL]
        self.pieces = pieces or (lambda body: encoded(generation(["a"])))
        self.answers = {"/api/training": {"data": []}}
        self.streams, self.headers = {}, {}
        self.bodies = []  # of the POSTs to /api/generate
        self.ending = threading.Event()

    def __enter__(self):
        stub = self

        class Handler(RequestHandler):
            pass

        Handler.stub = stub
        address = ("127.0.0.1", 0)
        self.http = StubServer(address, Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.http.shutdown()
        self.http.server_close()

    def answer(self, path):
        if path == "/api/models":
            return {"data": self.models}
        if path == "/api/health":
            queue = {"running": 0, "waiting": 0, "max": 64}
            return {"status": "ok", "backend": "stub", "queue": queue}
        return self.answers.get(path)


class StubServer(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # a page asks for many files at once


class RequestHandler(http.server.BaseHTTPRequestHandler):
    stub = None
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def head(self, status, kind, length=None):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Cache-Control", "no-store")
        path = self.path.partition("?")[0]
        for name, value in self.stub.headers.get(path, {}).items():
            self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def whole(self, status, kind, data):
        self.head(status, kind, len(data))
        self.wfile.write(data)

    def answer(self, found):
        if found is None:
            error = {"code": "not_found", "type": "invalid_request_error"}
            error |= {"message": "no such thing", "param": None}
            found = (404, {"error": error})
        if isinstance(found, bytes):
            return self.whole(200, "application/octet-stream", found)
        status, data = found if isinstance(found, tuple) else (200, found)
        self.whole(status, "application/json", json.dumps(data).encode())

    def do_GET(self):
        path = self.path.partition("?")[0]
        if path.startswith("/app/"):
            return self.file(APP / (path[5:] or "index.html"))
        if path == "/api/events":
            models = [("model", model) for model in self.stub.models]
            return self.stream([*encoded(models), *self.until_the_end()])
        if path in self.stub.streams:
            return self.stream(encoded(self.stub.streams[path]))
        self.answer(self.stub.answer(path))

    def do_POST(self):
        size = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(size) or b"{}")
        if self.path != "/api/generate":
            return self.answer(self.stub.answer(self.path))
        self.stub.bodies.append(body)
        pieces = self.stub.pieces(body)
        if isinstance(pieces, tuple):
            return self.answer(pieces)
        self.stream(pieces)

    def file(self, path):
        if not path.is_file() or path.suffix not in TYPES:
            return self.answer(None)
        self.whole(200, TYPES[path.suffix], path.read_bytes())

    def until_the_end(self):
        while not self.stub.ending.wait(0.2):
            yield b": ping\n\n"

    def stream(self, pieces):
        self.head(200, "text/event-stream")
        try:
            for piece in pieces:
                if isinstance(piece, (int, float)):
                    time.sleep(piece)
                else:
                    self.wfile.write(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass
