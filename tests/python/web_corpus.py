# SPDX-License-Identifier: MIT
"""Requests that no server may take for good ones: lengths that lie, two ways to
say where a body ends, what is no HTTP/1.1, and too much of everything. The
cases are those of the CVEs of other servers.
"""

from web_runs import request

JSON = "Content-Type: application/json\r\n"
SMUGGLED = "GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n"


def post(headers, body="", kind=JSON):
    return (
        f"POST /api/cancel HTTP/1.1\r\nHost: localhost\r\n{kind}{headers}\r\n"
        + body
    )


def get(headers):
    return f"GET /api/health HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"


def chunked(body):
    return post("Transfer-Encoding: chunked\r\n", body)


def length(value, body='{"id": "x"}'):
    return post(f"Content-Length: {value}\r\n", body + SMUGGLED)


TE = "Transfer-Encoding: chunked\r\n"
CHUNK = 'b\r\n{"id": "x"}\r\n0\r\n\r\n' + SMUGGLED
MALFORMED = {
    # Lengths that are none, or two.
    "length +5": length("+5"),
    "length -1": length("-1"),
    "length 1e1": length("1e1"),
    "length 0x1": length("0x1"),
    "length 11 11": length("11 11"),
    "length empty": length(""),
    "length list": length("11, 11"),
    "length list differs": length("11, 12"),
    "length 2^64": length(2**64),
    "length 2^64+11": length(2**64 + 11),
    "length twice": post("Content-Length: 11\r\n" * 2, '{"id": "x"}'),
    "lengths differ": post(
        "Content-Length: 11\r\nContent-Length: 12\r\n", '{"id": "x"} '
    ),
    # Two ways to say where the body ends.
    "chunked and length": post(TE + "Content-Length: 11\r\n", CHUNK),
    "length and chunked": post("Content-Length: 11\r\n" + TE, CHUNK),
    "chunked twice": post(TE + TE, CHUNK),
    "chunked, chunked": post("Transfer-Encoding: chunked, chunked\r\n", CHUNK),
    "gzip, chunked": post("Transfer-Encoding: gzip, chunked\r\n", CHUNK),
    "chunked, gzip": post("Transfer-Encoding: chunked, gzip\r\n", CHUNK),
    "identity": post("Transfer-Encoding: identity\r\n", CHUNK),
    "xchunked": post("Transfer-Encoding: xchunked\r\n", CHUNK),
    "space before colon": post("Transfer-Encoding : chunked\r\n", CHUNK),
    "tab in the name": post("Transfer\tEncoding: chunked\r\n", CHUNK),
    # Sizes of chunks.
    "chunk -2": chunked("-2\r\nxx\r\n0\r\n\r\n"),
    "chunk +5": chunked("+5\r\nxxxxx\r\n0\r\n\r\n"),
    "chunk 0x5": chunked("0x5\r\nxxxxx\r\n0\r\n\r\n"),
    "chunk empty": chunked("\r\nxxxxx\r\n0\r\n\r\n"),
    "chunk g": chunked("g\r\nxxxxx\r\n0\r\n\r\n"),
    "chunk 2^64": chunked("10000000000000000\r\nxx\r\n0\r\n\r\n"),
    "chunk too short": chunked("3\r\nxxxxx\r\n0\r\n\r\n"),
    # Not HTTP/1.1 at all.
    "TLS": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": "GET /\r\n\r\n",
    "HTTP/2.0": "GET / HTTP/2.0\r\nHost: localhost\r\n\r\n",
    "version lost": "GET / \r\nHost: localhost\r\n\r\n",
    "spaces in the path": "GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a newline first": "\n\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "control in the path": "GET /\x01 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "header without colon": get("nothing\r\n"),
    "header without name": get(": x\r\n"),
    "control in a header": get("X: a\x00b\r\n"),
    "carriage return in a header": get("X: a\rb\r\n"),
    "no method": " / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET with a body": get("Content-Length: 5\r\n") + "hello",
    "GET with chunks": get(TE) + CHUNK,
    "DELETE with a body": request(
        "DELETE", "/api/runs/x", Content_Length=2
    ).decode()
    + "{}",
}

GZIP = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
TOO_MUCH = {
    "length over 1 MiB": (post(f"Content-Length: {2**20 + 1}\r\n"), 413),
    "length 2^63": (post(f"Content-Length: {2**63}\r\n"), 413),
    "body over 1 MiB": (
        post(f"Content-Length: {2**21}\r\n", " " * 2**21),
        413,
    ),
    "one chunk over 1 MiB": (chunked("100001\r\n"), 413),
    "chunk 2^63": (chunked("8000000000000000\r\n"), 413),
    "chunk 2^64-1": (chunked("ffffffffffffffff\r\n"), 413),
    "chunks over 1 MiB": (
        chunked(f"{2**16:x}\r\n{' ' * 2**16}\r\n" * 17),
        413,
    ),
    "10^4 headers": (get("".join(f"X-{i}: y\r\n" for i in range(10**4))), 431),
    "one long header": (get(f"X: {'y' * 9000}\r\n"), 431),
    "a long path": (f"GET /{'x' * 9000} HTTP/1.1\r\n", 431),
    "a line without end": ("GET /" + "x" * 2**24, 431),
    "headers without end": ("GET / HTTP/1.1\r\n" + "A: b\r\n" * 2**21, 431),
    "gzip": (
        post(f"Content-Encoding: gzip\r\nContent-Length: {len(GZIP)}\r\n")
        + GZIP.decode("latin-1"),
        415,
    ),
}
