# SPDX-License-Identifier: MIT
"""A browser on another page than ours: what an allowed origin may, what any
other one may not. (reliability.md, S11)"""

import http.server
import threading

import pytest
from support.browser import wait_for
from web_models import serve, trained_models

ASK = """async ([url, method]) => {
  const options = method === "POST" ? {
    method, headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ prompt: "The fox ", max_tokens: 3, stream: false }),
  } : {};
  try {
    const answer = await fetch(url, options);
    return [answer.status, await answer.json()];
  } catch (error) {
    return [0, String(error)];
  }
}"""


class Elsewhere(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Elsewhere</title>")

    def log_message(self, *_):
        pass


class Other:
    """Somebody else's server: another port is another origin."""

    def __enter__(self):
        address = ("127.0.0.1", 0)
        self.http = http.server.ThreadingHTTPServer(address, Elsewhere)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture(scope="module")
def friend():
    with Other() as other:
        yield other


@pytest.fixture(scope="module")
def stranger():
    with Other() as other:
        yield other


@pytest.fixture(scope="module")
def open_server(friend):
    options = ["--model", "tiny", "--cors-origin", friend.url]
    with serve(trained_models(), *options) as server:
        yield server


def page_of(visit, other):
    page = visit(other)
    page.visitor.expect("foreign request", "CORS", "net::ERR_", "403")
    return page


@pytest.mark.parametrize(
    "method, path",
    [("GET", "/api/models"), ("POST", "/api/generate"), ("GET", "/v1/models")],
)
def test_allowed_origin(visit, friend, open_server, method, path):
    page = page_of(visit, friend)
    status, said = page.evaluate(ASK, [open_server.url + path, method])
    assert status == 200, said


@pytest.mark.parametrize(
    "method, path",
    [("GET", "/api/models"), ("POST", "/api/generate"), ("GET", "/v1/models")],
)
def test_any_other_origin(visit, stranger, open_server, method, path):
    page = page_of(visit, stranger)
    status, said = page.evaluate(ASK, [open_server.url + path, method])
    assert status == 0 and "Failed to fetch" in said


def test_a_form_of_another_page_reaches_nothing(visit, stranger, open_server):
    """No preflight is asked for text/plain: the server itself refuses it."""
    page = page_of(visit, stranger)
    before = open_server.cpu_seconds()
    said = page.evaluate(
        """async (url) => {
          const body = JSON.stringify({ prompt: "The fox ", max_tokens: 200 });
          const options = { method: "POST", body, mode: "no-cors" };
          return fetch(url, options).then((answer) => answer.type, String);
        }""",
        open_server.url + "/api/generate",
    )
    assert said == "opaque" or "Failed to fetch" in said
    assert open_server.is_idle()
    assert open_server.cpu_seconds() - before < 0.5


def test_no_frame_of_another_page_shows_ours(visit, stranger, open_server):
    page = page_of(visit, stranger)
    page.visitor.expect("frame-ancestors", "Framing", "policy:", "refused")
    page.evaluate(
        """(url) => new Promise((resolve) => {
          const frame = document.createElement("iframe");
          frame.src = url + "/app/";
          frame.onload = resolve;
          document.body.append(frame);
        })""",
        open_server.url,
    )
    inside = [f for f in page.frames if f.parent_frame is not None]
    assert all("/app/" not in frame.url for frame in inside)


def test_token_in_the_link(visit, new_server):
    """For other machines: the page takes it out of the address and sends it."""
    options = ["--model", "tiny", "--host", "0.0.0.0", "--token", "s3cret"]
    options += ["--allow-host", "127.0.0.1"]
    server = new_server(trained_models(), *options)
    page = visit(server, "#token=s3cret")
    page.locator("#model option").first.wait_for(state="attached")
    wait_for(page, "document.querySelector('#model').value === 'tiny'")
    assert "s3cret" not in page.url
    assert server.request("GET", "/api/models")[0] == 401
