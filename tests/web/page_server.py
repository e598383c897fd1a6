# SPDX-License-Identifier: MIT
"""A static server for the repository's pages, with the policy of the web
interface or without, some files of a test's own, and some that are missing."""

import contextlib
import http.server
import json
import pathlib
import threading

from support.web_stub import POLICY, StubServer

ROOT = pathlib.Path(__file__).resolve().parents[2]
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>A page</title>
<link rel="icon" href="favicon.svg">
<link rel="stylesheet" href="styles/page.css">
<main><article id="out"></article></main>
<script type="module" src="show.js"></script>
"""
SCRIPT = """import { render } from "./scripts/markdown-renderer.js";
window.show = (markdown, options) =>
  render(markdown, document.getElementById("out"), options);
"""


def a_page(text, **more):
    """An entry of contents.json with the page's file, and the file."""
    slug = more.get("slug", "sample")
    entry = {"slug": slug, "title": "A sample", "level": "start"}
    entry |= {"minutes": 5, "file": f"docs/{slug}.md", **more}
    contents = [{"group": "Samples", "pages": [entry]}]
    return {
        "/public/docs/contents.json": json.dumps(contents),
        f"/public/docs/{slug}.md": text,
    }


class PageServer:
    def __init__(self, files=None, missing=(), policy=True):
        self.files = {"/public/empty.html": PAGE, "/public/show.js": SCRIPT}
        self.files |= files or {}
        self.missing, self.policy = tuple(missing), policy
        self.sent = {}  # path -> bytes

    def __enter__(self):
        outer = self

        class Handler(RequestHandler):
            server_of = outer

        self.http = StubServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()

    def content(self, path):
        if path in self.files:
            found = self.files[path]
            return found.encode() if isinstance(found, str) else found
        file = ROOT / path[1:]
        fits = path.startswith(("/public/", "/tutorials/", "/llm/"))
        fits |= path.startswith("/benchmarks/results/")
        if not fits or ".." in path or path.startswith(self.missing or "?"):
            return None
        return file.read_bytes() if file.is_file() else None


class RequestHandler(http.server.BaseHTTPRequestHandler):
    server_of = None
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_GET(self):
        server, path = self.server_of, self.path.partition("?")[0]
        found = server.content(path)
        data = b"nothing here" if found is None else found
        if found is not None:
            server.sent[path] = found
        self.send_response(404 if found is None else 200)
        kind = TYPES.get(pathlib.PurePath(path).suffix, "text/plain")
        self.send_header("Content-Type", kind)
        if server.policy:
            self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # the page has gone
            self.wfile.write(data)
