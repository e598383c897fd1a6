# SPDX-License-Identifier: MIT
"""The page's files: exact names, nothing else, whatever way a path is written."""

import itertools
import json
import pathlib
import random

import pytest
from web_runs import WebServer, check_error, check_headers, request

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEB, PUBLIC = ROOT / "code/web_interface", ROOT / "public"
PAGE = "/docs/performance.md"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with WebServer(tmp_path_factory.mktemp("web")) as server:
        yield server


def traversals():
    """500 ways to name a file outside, or a file of ours by another name."""
    up = ["..", "%2e%2e", ".%2e", "%2E.", "%252e%252e", "..%00", "..;", "...."]
    up += ["%c0%ae%c0%ae", "%uff0e%uff0e", "..%5c", "%e0%80%ae%e0%80%ae", ". ."]
    slash = ["/", "//", "%2f", "%252f", "\\", "%5c", "/./", "%c0%af", ";/"]
    begin = ["/", "/app/", "/docs/", "/app/js/", "//", "/app/../", "/api/"]
    end = ["etc/passwd", "CMakeLists.txt", "server.cpp", "README.md"]
    end += ["code/web_interface/index.html", ".git/config", "index.html%00.js"]
    paths = {
        f"{b}{s.join([u] * n)}{s}{e}"
        for b, u, s, n, e in itertools.product(begin, up, slash, (1, 3, 8), end)
    }
    fixed = {"/etc/passwd", "/app//etc/passwd", "/%2fetc%2fpasswd", "/C:/x"}
    fixed |= {"/app/.", "/app/..", "/app/./index.html", "/app/%2e/index.html"}
    fixed |= {"/app/index.html/", "/app/index.html.", "/app/index.html%20"}
    fixed |= {"/app/INDEX.HTML", "/app/index.html%00", "/app//index.html"}
    fixed |= {"//app/index.html", "/app%2findex.html", "/app/%", "/app/%zz"}
    fixed |= {"/app/server.cpp", "/app/README.md", "/app/js/", "/app/js"}
    fixed |= {
        "/docs/",
        "/docs/performance",
        "/docs/Performance.md",
        "/docs/.md",
    }
    fixed |= {
        "/docs/..%2fperformance.md",
        f"/docs/{'x' * 65}.md",
        "/public/docs",
    }
    fixed |= {
        "/docs/performance.md/",
        "/docs/performance.md%00",
        "/docs/%2e.md",
    }
    fixed |= {"/app/session.h", "/app/openapi.json~", "/app/.gitignore", "/."}
    paths = {p for p in paths if " " not in p and "\\" not in p[:1]}
    chosen = random.Random(3).sample(sorted(paths - fixed), 500 - len(fixed))
    return sorted(fixed) + chosen


def test_500_traversals(server):
    paths = [p for p in traversals() if " " not in p]
    assert len(paths) == 500
    with server.connect() as client:
        for path in paths:
            client.send(request("GET", path))
            answer = client.answer()
            error = check_error(answer, 404, "not_found")
            assert "passwd" not in error["message"]


def test_static_files_are_as_on_disk(server):
    files = {f"/app/{p.relative_to(WEB)}": p for p in WEB.rglob("*")}
    files |= {f"/{p.relative_to(PUBLIC)}": p for p in PUBLIC.rglob("*")}
    served = {}
    for name, path in sorted(files.items()):
        if path.is_file():
            answer = check_headers(server.get(name))
            assert answer.status in (200, 404), name
            if answer.status == 200:
                assert answer.body == path.read_bytes()
                served[name] = answer.headers["content-type"]
    assert served[PAGE] == "text/markdown; charset=utf-8"
    assert served["/app/openapi.json"] == "application/json"
    suffixes = {pathlib.PurePath(name).suffix for name in served}
    assert not suffixes & {".cpp", ".h", ".py", ".sh", ""}
    assert "/app/README.md" not in served


def test_the_page(server):
    for path in ("/", "/app"):
        answer = check_headers(server.get(path))
        assert (answer.status, answer.headers["location"]) == (302, "/app/")
    answer = check_headers(server.get("/app/"))
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.body == (WEB / "index.html").read_bytes()
    assert server.get("/app/index.html?v=1").body == answer.body


def test_etag_and_head(server):
    full = server.get(PAGE)
    tag = full.headers["etag"]
    assert full.headers["cache-control"] == "no-cache"
    for value in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        answer = check_headers(server.get(PAGE, If_None_Match=value))
        assert (answer.status, answer.body) == (304, b"")
        assert answer.headers["etag"] == tag
    assert server.get(PAGE, If_None_Match='"other"').status == 200
    with server.connect() as client:  # HEAD leaves the connection in order
        client.send(request("HEAD", PAGE) + request("GET", PAGE))
        head = client.answer("HEAD")
        assert (head.status, head.body) == (200, b"")
        assert head.headers == {**full.headers, "date": head.headers["date"]}
        assert client.answer().body == full.body


def test_docs(server):
    index = check_headers(server.get("/docs/index.json")).json()
    assert [page["slug"] for page in index] == sorted(
        path.stem for path in (PUBLIC / "docs").glob("*.md")
    )
    page = next(page for page in index if page["slug"] == "performance")
    text = (PUBLIC / "docs/performance.md").read_text()
    assert page["title"] and f"# {page['title']}" in text
    assert page["headings"]
    for heading in page["headings"]:
        assert list(heading) == ["level", "text", "id"]
        assert heading["id"] == heading["id"].lower()
    assert server.get(PAGE).body.decode() == text


def test_the_description_is_served_as_it_is(server):
    answer = check_headers(server.get("/api/openapi.json"))
    assert answer.body == (WEB / "openapi.json").read_bytes()
    assert json.loads(answer.body)["openapi"].startswith("3.1")
