# SPDX-License-Identifier: MIT
"""Stand-ins on this machine for where models come from: the Hugging Face Hub
with its store of large files, and a package index for pip.

The Hub speaks what huggingface_hub 2.4 asks: the list of files with their sums,
and the files; a large one is a redirect to the store, which is another server
and must never see the token. What the store does wrong is set by the tests.
"""
import hashlib
import http.server
import json
import re
import threading
import urllib.parse

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def git_name(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Server:
    """Answers on 127.0.0.1 until it is closed; `requests` keeps what came as
    (method, path, range, authorization)."""

    def __init__(self):
        self.requests = []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                path = urllib.parse.unquote(self.path.split("?")[0])
                headers = self.headers
                server.requests.append(
                    (
                        self.command,
                        path,
                        headers.get("Range"),
                        headers.get("Authorization"),
                    )
                )
                server.answer(self, path)

            do_HEAD = do_GET

            def log_message(self, *args):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        # Looks often whether it shall end.
        self.thread = threading.Thread(
            target=self.http.serve_forever, args=(0.02,)
        )
        self.thread.start()

    def close(self):
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()

    def paths(self):
        return [path for _, path, _, _ in self.requests]


def send(handler, status, body=b"", **headers):
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)


class Store(Server):
    """Content by its sha256, with ranges. `cuts`: how many answers break off
    in the middle; `hang`: they stay there; `ranges`: are they understood;
    `lie`: it sends other bytes."""

    def __init__(self):
        super().__init__()
        self.files = {}
        self.cuts = 0
        self.hang = None
        self.ranges = True
        self.lie = False
        self.half_sent = threading.Event()

    def answer(self, handler, path):
        data = self.files[path.strip("/")]
        if self.lie:
            data = data[::-1]
        start = 0
        asked = handler.headers.get("Range")
        if asked and self.ranges:
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])
            handler.send_response(206)
            handler.send_header(
                "Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}"
            )
        else:
            handler.send_response(200)
        handler.send_header("Content-Length", str(len(data) - start))
        handler.end_headers()
        if self.cuts > 0 or self.hang:
            self.cuts -= 1
            middle = (start + len(data)) // 2
            handler.wfile.write(data[start:middle])
            handler.wfile.flush()
            self.half_sent.set()
            if self.hang:
                self.hang.wait(60)
            handler.close_connection = True
        else:
            handler.wfile.write(data[start:])


class Hub(Server):
    """`models`: {id: {file name: content}}; content of 1000 bytes and more is
    in the store. `refuse`: (status, error code) for every file."""

    def __init__(self, store):
        super().__init__()
        self.store = store
        self.models = {}
        self.claims = {}  # sizes of files that are not true
        self.refuse = None
        self.page = None  # sent for whatever is asked

    def add(self, name, files):
        self.models[name] = files
        for data in files.values():
            self.store.files[sha256(data)] = data

    def answer(self, handler, path):
        if self.page is not None:
            return send(handler, 200, self.page, Content_Type="text/html")
        api = re.fullmatch(r"/api/models/([^/]+/[^/]+)(/revision/(.+))?", path)
        file = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        name = (api or file)[1]
        if name not in self.models:
            send(handler, 401, X_Error_Code="RepoNotFound")
        elif api and api[3] not in (None, "main", "v1"):
            send(handler, 404, X_Error_Code="RevisionNotFound")
        elif api:
            send(handler, 200, self.listing(name))
        elif self.refuse:
            send(handler, self.refuse[0], X_Error_Code=self.refuse[1])
        else:
            assert file[2] == COMMIT, "files are asked for by commit"
            self.send_file(handler, self.models[name][file[3]])

    def listing(self, name):
        siblings = []
        for file, data in self.models[name].items():
            size = self.claims.get(file, len(data))
            entry = {"rfilename": file, "size": size, "blobId": git_name(data)}
            if len(data) >= 1000:
                lfs = {"size": size, "sha256": sha256(data), "pointerSize": 130}
                entry["lfs"] = lfs
            siblings.append(entry)
        answer = {"_id": "1", "id": name, "sha": COMMIT, "siblings": siblings}
        answer["tags"] = ["text-generation", "license:apache-2.0"]
        return json.dumps(answer).encode()

    def send_file(self, handler, data):
        if len(data) < 1000:
            send(handler, 200, data[::-1] if self.store.lie else data)
        else:
            send(handler, 302, Location=f"{self.store.url}/{sha256(data)}")


class Index(Server):
    """A package index with one wheel; `hang`: it stops in the middle of it."""

    def __init__(self, package, wheel, data):
        super().__init__()
        self.page, self.wheel, self.data = f"/{package}/", wheel, data
        self.hang = None
        self.half_sent = threading.Event()

    def answer(self, handler, path):
        if path == self.page:
            link = f'<a href="/{self.wheel}">{self.wheel}</a>'.encode()
            send(handler, 200, link, Content_Type="text/html")
        elif path != f"/{self.wheel}":
            send(handler, 404)
        elif self.hang:
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(self.data)))
            handler.end_headers()
            handler.wfile.write(self.data[: len(self.data) // 2])
            self.half_sent.set()
            self.hang.wait(60)
        else:
            send(handler, 200, self.data)
