# SPDX-License-Identifier: MIT
"""Whose pages may talk to the server: only its own and those on the list. A name
that somebody made point to this machine (DNS rebinding) is refused on every
path, a page of another origin everywhere, a program without an Origin is let in.
"""

import pytest
from web_runs import WebServer, check_error, check_headers, request

LISTED = "http://localhost:3000"
OTHER = "https://example.org"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    home = tmp_path_factory.mktemp("web")
    with WebServer(home, "--cors-origin", LISTED, "--cors-origin", OTHER) as s:
        yield s


GOOD_HOSTS = [
    "localhost",
    "localhost:80",
    "localhost:65535",
    "LOCALHOST",
    "127.0.0.1",
    "127.0.0.1:1",
    "[::1]",
    "[::1]:8080",
]
BAD_HOSTS = [
    None,
    "",
    "evil.com",
    "evil.com:80",
    "localhost.evil.com",
    "evil.com.localhost",
    "localhost.",
    "localhost.local",
    "localhost.localdomain",
    "localhost.internal",
    "mylocalhost",
    "localhost:",
    "localhost:x",
    "localhost:65536",
    "localhost:99999999999",
    "localhost:80:80",
    "localhost:-80",
    "localhost,evil.com",
    "localhost, evil.com",
    "localhost evil.com",
    "localhost@evil.com",
    "evil.com@localhost",
    "localhost/evil",
    "localhost#",
    "localhost?x",
    "localhost\\",
    "http://localhost",
    "*",
    "null",
    ".",
    "0.0.0.0",
    "0",
    "127.0.0.2",
    "127.1",
    "127.0.0.1.",
    "127.0.0.1.nip.io",
    "127.000.000.001",
    "0177.0.0.1",
    "0x7f000001",
    "2130706433",
    "192.168.0.1",
    "169.254.169.254",
    "::1",
    "[::1",
    "[::1]evil",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[0:0:0:0:0:0:0:1]",
    "[::1%25lo]",
    "host.docker.internal",
    "%6cocalhost",
    "löcalhost",
]
PATHS = ["/", "/app/", "/api/health", "/api/models", "/docs/index.json"]
PATHS += ["/nothing", "/v1/models", "/api/events"]


@pytest.mark.parametrize("host", GOOD_HOSTS)
def test_good_host(server, host):
    answer = server.send(request("GET", "/api/health", host=host))
    assert answer.status == 200


@pytest.mark.parametrize("host", BAD_HOSTS)
def test_bad_host_on_every_path(server, host):
    with server.connect() as client:
        for path in PATHS:
            client.send(request("GET", path, host=host))
            answer = client.answer()
            error = check_error(answer, 403, "host_not_allowed", "--allow-host")
        if host and host.isprintable() and '"' not in host and len(host) < 40:
            shown = host.replace("\\", "\\\\")
            assert f'"{shown}"' in error["message"]
    assert server.send(request("OPTIONS", "/", host=host)).status == 403
    body = b"{}"
    post = request(
        "POST",
        "/api/cancel",
        host=host,
        Content_Type="application/json",
        Content_Length=2,
    )
    assert server.send(post + body).status == 403


@pytest.mark.parametrize(
    "text, status",
    [
        ("GET http://localhost/api/health HTTP/1.1\r\nHost: localhost", 200),
        ("GET http://localhost:1/api/health HTTP/1.1\r\nHost: [::1]", 200),
        ("GET http://evil.com/api/health HTTP/1.1\r\nHost: localhost", 403),
        ("GET http://localhost/api/health HTTP/1.1\r\nHost: evil.com", 403),
        ("GET http://localhost/api/health HTTP/1.1", 403),
        ("GET http://x@localhost/ HTTP/1.1\r\nHost: localhost", 403),
        ("GET http:///api/health HTTP/1.1\r\nHost: localhost", 400),
        ("GET https://localhost/ HTTP/1.1\r\nHost: localhost", 400),
        ("GET //evil.com/ HTTP/1.1\r\nHost: localhost", 404),
        ("GET api/health HTTP/1.1\r\nHost: localhost", 400),
        ("OPTIONS * HTTP/1.1\r\nHost: localhost", 400),
        ("CONNECT localhost:80 HTTP/1.1\r\nHost: localhost", 400),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost", 403),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nhost: evil.com", 403),
        ("GET / HTTP/1.1\r\nHost: evil.com\r\nHost: localhost", 403),
        ("GET / HTTP/1.1\r\nHost: localhost\r\n evil.com", 403),
        ("GET / HTTP/1.1\r\nX-Forwarded-Host: localhost", 403),
        ("GET / HTTP/1.0", 403),
    ],
)
def test_where_a_host_can_stand(server, text, status):
    answer = server.send(text + "\r\n\r\n")
    assert check_headers(answer).status == status


def test_our_own_page_and_programs(server):
    for host in ("localhost:8080", "127.0.0.1:9", "[::1]:8080", "localhost"):
        text = request(
            "GET",
            "/api/health",
            host=host,
            Origin=f"http://{host}",
            Sec_Fetch_Site="same-origin",
        )
        answer = check_headers(server.send(text))
        assert answer.status == 200
        assert "access-control-allow-origin" not in answer.headers
    for site in ("none", "same-origin", "same-site"):
        answer = server.get("/api/health", Sec_Fetch_Site=site)
        assert answer.status == 200


FOREIGN = [
    "null",
    "",
    "*",
    "file://",
    "https://evil.com",
    "http://evil.com",
    "http://localhost:3001",
    "https://localhost:3000",
    "http://localhost:3000/",
    "http://localhost:30000",
    "http://localhost:3000.evil.com",
    "http://127.0.0.1:3000",
    "http://LOCALHOST:3000",
    "http://localhost",
    "https://example.org:443",
    "https://example.org.evil.com",
    "https://a.example.org",
    "http://example.org",
    f"{LISTED}, {OTHER}",
    f"{LISTED} {OTHER}",
    "chrome-extension://abcdefgh",
    "http://localhost:8080@evil.com",
]


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD"])
def test_foreign_origins_are_refused(server, origin, method):
    text = request(
        method,
        "/api/cancel" if method == "POST" else "/api/health",
        host="localhost:8080",
        Origin=origin,
        Content_Type="application/json",
    )
    answer = server.send(text, method)
    assert "access-control-allow-origin" not in answer.headers
    if method == "HEAD":
        assert answer.status == 403
    else:
        check_error(answer, 403, "origin_not_allowed", "--cors-origin")


@pytest.mark.parametrize("path", ["/", "/app/", "/api/models", "/api/events"])
def test_other_sites_without_an_origin(server, path):
    """As <img>, <script>, <link> and a form's GET send it."""
    answer = server.get(path, Sec_Fetch_Site="cross-site")
    check_error(answer, 403, "origin_not_allowed", "cross-site")


def test_two_origins(server):
    text = "GET /api/health HTTP/1.1\r\nHost: localhost\r\n"
    text += f"Origin: {LISTED}\r\nOrigin: https://evil.com\r\n\r\n"
    check_error(server.send(text), 403, "origin_not_allowed")


@pytest.mark.parametrize("origin", [LISTED, OTHER])
def test_listed_origins(server, origin):
    asked = server.get(
        "/api/generate",
        "OPTIONS",
        Origin=origin,
        Sec_Fetch_Site="cross-site",
        Access_Control_Request_Method="POST",
        Access_Control_Request_Headers="content-type",
    )
    headers = check_headers(asked).headers
    assert (asked.status, asked.body) == (204, b"")
    assert headers["access-control-allow-origin"] == origin
    assert "POST" in headers["access-control-allow-methods"]
    allowed = headers["access-control-allow-headers"]
    assert allowed == "Content-Type, Authorization"
    assert int(headers["access-control-max-age"]) > 0
    assert "content-length" not in headers
    for answer in (
        server.get("/api/health", Origin=origin, Sec_Fetch_Site="cross-site"),
        server.post("/api/cancel", {"id": "x"}, Origin=origin),
        server.get("/api/runs/x", Origin=origin),  # errors can be read, too
        server.get("/nothing", Origin=origin),
    ):
        headers = check_headers(answer).headers
        assert headers["access-control-allow-origin"] == origin
        assert "access-control-allow-credentials" not in headers
        assert "X-Shape" in headers["access-control-expose-headers"]


def test_a_token(tmp_path):
    options = ["--host", "0.0.0.0", "--allow-host", "gpu.lan"]
    with WebServer(tmp_path, *options) as server:
        page, token = server.address.split("#token=")
        assert page == f"http://gpu.lan:{server.port}/app/"
        assert len(token) == 32 and set(token) <= set("0123456789abcdef")
        for path in ("/", "/api/health", "/docs/performance.md"):
            assert server.get(path).status in (200, 302)
        wrong = ["", token, f"Basic {token}", "Bearer", "Bearer "]
        wrong += [f"Bearer {token}0", f"Bearer {token[:-1]}"]
        wrong += [f"Bearer {'0' * 32}", f"Bearer  {token}"]
        for path in ("/api/models", "/v1/models", "/api/nothing", "/api"):
            check_error(server.get(path), 401, "unauthorized", "none")
            for value in wrong:
                answer = server.get(path, Authorization=value)
                check_error(answer, 401, "unauthorized")
                assert answer.headers["www-authenticate"] == "Bearer"
        good = {"Authorization": f"Bearer {token}"}
        for host in ("gpu.lan", "GPU.LAN:80", "localhost"):
            text = request("GET", "/api/models", host=host, **good)
            assert server.send(text).status == 200
        text = request("GET", "/api/models", host="evil.lan", **good)
        check_error(server.send(text), 403, "host_not_allowed")
        assert token.encode() not in server.log()


def test_a_chosen_token(tmp_path):
    with WebServer(tmp_path, "--token", "secret") as server:
        assert server.address.endswith("/app/#token=secret")
        answer = server.get("/api/models", Authorization="bearer secret")
        assert answer.status == 200
        check_error(server.get("/api/models"), 401, "unauthorized")
