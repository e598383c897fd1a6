# SPDX-License-Identifier: MIT
"""Downloads against a local HTTP server: whole, resumed, missing, damaged.

The programs come from the build: LLM_TEST_TOOLS names their folder.
"""

import hashlib
import http.server
import os
import socket
import subprocess
import threading
from pathlib import Path

import pytest

CONTENT = b"".join(
    b"line %06d of the file that is fetched\n" % i for i in range(5000)
)
SUM = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(scope="module")
def tool():
    folder = os.environ.get("LLM_TEST_TOOLS")
    if not folder:
        pytest.fail(
            "LLM_TEST_TOOLS is not set: build the tests (./tutorial test does) and"
            " set it to the folder that holds corpus_tool"
        )
    return str(Path(folder).resolve() / "corpus_tool")


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT with ranges; what it does wrong depends on the path."""

    def do_GET(self):
        self.server.requests.append((self.path, self.headers.get("Range")))
        if "missing" in self.path:
            self.send_error(404)
            return
        body = b"not the file" if "wrong" in self.path else CONTENT
        start = 0
        asked = self.headers.get("Range")
        if asked and "norange" not in self.path:
            start = int(asked.removeprefix("bytes=").split("-")[0])
            if start >= len(body):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header(
                "Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}"
            )
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        self.wfile.write(body[start:])

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        httpd.requests = []
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        httpd.url = f"http://127.0.0.1:{httpd.server_address[1]}"
        yield httpd
        httpd.shutdown()
        thread.join()


def run(*command, env=None):
    clean = {
        k: v for k, v in os.environ.items() if not k.startswith("MLX_TUTORIAL_")
    }
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        clean.pop(name, None)
    clean.update(env or {})
    return subprocess.run(
        [str(c) for c in command],
        capture_output=True,
        text=True,
        env=clean,
        timeout=60,
    )


def get(tool, server, path, target, env=None, total=SUM):
    url = server if isinstance(server, str) else server.url
    return run(tool, "get", url + path, target, total, len(CONTENT), env=env)


def one_line_error(result, code):
    assert result.returncode == code, result.stderr
    lines = [
        line for line in result.stderr.splitlines() if line.startswith("[")
    ]
    assert len(lines) == 1, result.stderr
    return lines[0]


def test_whole_file(tool, server, tmp_path):
    target = tmp_path / "new" / "folder" / "file.txt"
    result = get(tool, server, "/file", target)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "done\n"
    assert target.read_bytes() == CONTENT
    assert not Path(str(target) + ".part").exists()
    # Size and address are said before the first byte is asked for.
    said = result.stderr.splitlines()[0]
    assert "kB" in said and server.url in said


def test_resumes_with_a_range(tool, server, tmp_path):
    target = tmp_path / "file.txt"
    part = Path(str(target) + ".part")
    part.write_bytes(CONTENT[:70001])
    result = get(tool, server, "/file", target)
    assert result.returncode == 0, result.stderr
    assert server.requests == [("/file", "bytes=70001-")]
    assert target.read_bytes() == CONTENT
    assert "continuing" in result.stderr


def test_server_without_ranges_starts_afresh(tool, server, tmp_path):
    target = tmp_path / "file.txt"
    Path(str(target) + ".part").write_bytes(CONTENT[:1000])
    result = get(tool, server, "/norange", target)
    assert result.returncode == 0, result.stderr
    assert target.read_bytes() == CONTENT


def test_complete_part_needs_no_request(tool, server, tmp_path):
    target = tmp_path / "file.txt"
    Path(str(target) + ".part").write_bytes(CONTENT)
    result = get(tool, server, "/file", target)
    assert result.returncode == 0, result.stderr
    assert server.requests == []
    assert target.read_bytes() == CONTENT


def test_404(tool, server, tmp_path):
    result = get(tool, server, "/missing", tmp_path / "file.txt")
    line = one_line_error(result, 3)
    assert "/missing" in line and "404" in line
    assert not (tmp_path / "file.txt").exists()


def test_wrong_sum_names_both_and_removes_the_part(tool, server, tmp_path):
    target = tmp_path / "file.txt"
    line = one_line_error(get(tool, server, "/wrong", target), 3)
    assert SUM in line and hashlib.sha256(b"not the file").hexdigest() in line
    assert list(tmp_path.iterdir()) == []


def test_damaged_part_is_not_kept(tool, server, tmp_path):
    target = tmp_path / "file.txt"
    Path(str(target) + ".part").write_bytes(b"x" * 5000)
    one_line_error(get(tool, server, "/file", target), 3)
    assert list(tmp_path.iterdir()) == []
    assert get(tool, server, "/file", target).returncode == 0


def test_no_network(tool, tmp_path):
    with socket.socket() as unused:  # bound, but nobody listens
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        result = get(tool, url, "/file", tmp_path / "file.txt")
    assert "cannot be reached" in one_line_error(result, 3)


def test_no_curl(tool, server, tmp_path):
    result = get(
        tool, server, "/file", tmp_path / "f", env={"PATH": str(tmp_path)}
    )
    assert "curl is not installed" in one_line_error(result, 3)


def test_folder_that_cannot_be_written(tool, server, tmp_path):
    (tmp_path / "file").write_text("a file where a folder should be")
    result = get(tool, server, "/file", tmp_path / "file" / "target")
    one_line_error(result, 4)


def test_proxy_of_the_environment_is_used(tool, server, tmp_path):
    # The local server plays the proxy: it receives the absolute address.
    target = tmp_path / "file.txt"
    result = get(
        tool,
        "http://corpus.invalid",
        "/file",
        target,
        env={"http_proxy": server.url},
    )
    assert result.returncode == 0, result.stderr
    assert server.requests == [("http://corpus.invalid/file", None)]


def test_shakespeare_with_a_wrong_file(tool, server, tmp_path):
    env = {"MLX_TUTORIAL_DATA_URL": server.url}
    result = run(tool, "tiny-shakespeare", tmp_path, env=env)
    line = one_line_error(result, 3)
    assert "86c4e6aa9db7c042" in line
    assert server.requests == [("/tinyshakespeare/input.txt", None)]
    assert "1.1 MB" in result.stderr
    assert list((tmp_path / "data").iterdir()) == []


def test_shakespeare_offline(tool, server, tmp_path):
    env = {"MLX_TUTORIAL_DATA_URL": server.url}
    result = run(tool, "tiny-shakespeare", tmp_path, "offline", env=env)
    line = one_line_error(result, 3)
    assert str(tmp_path / "data" / "tiny-shakespeare.txt") in line
    assert server.requests == []


def test_shakespeare_is_cached(tool, server, tmp_path):
    folder = os.environ.get("MLX_TUTORIAL_DATA")
    source = Path(folder or "nowhere") / "tinyshakespeare.txt"
    if not source.exists():
        pytest.skip(
            "MLX_TUTORIAL_DATA does not name a folder with tinyshakespeare.txt"
        )
    cached = tmp_path / "data" / "tiny-shakespeare.txt"
    cached.parent.mkdir()
    cached.write_bytes(source.read_bytes())
    env = {"MLX_TUTORIAL_DATA_URL": server.url}
    result = run(tool, "tiny-shakespeare", tmp_path, env=env)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("tiny-shakespeare 1115394 86c4e6aa9db7c042")
    assert server.requests == []
