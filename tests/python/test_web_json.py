# SPDX-License-Identifier: MIT
"""What clients send as JSON, over HTTP: texts that are none (the corners that
Seriot's "Parsing JSON is a minefield" lists), and every parameter with good and
bad values, in pairs. Nothing is guessed, nothing is ignored.
"""

import itertools
import json
import random
import time

import pytest
from generate_runs import write_model
from web_runs import WebServer, check_error

POSTS = ["/api/generate", "/api/tokenize", "/api/inspect", "/api/whatif"]
POSTS += ["/api/cancel", "/api/models/load", "/v1/completions"]
POSTS += ["/v1/chat/completions"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    home = tmp_path_factory.mktemp("json")
    write_model(home / "models" / "small", context=512, marks=[])
    with WebServer(home) as server:
        answer = server.post("/api/generate", {"prompt": "x", "max_tokens": 1})
        assert answer.status == 200  # the model is loaded
        yield server
        assert server.process.poll() is None, server.log()


def deep(depth, open="[", close="]"):
    return open * depth + close * depth


INVALID = {
    "nothing": b"",
    "a space": b" ",
    "half an object": b'{"text": "x"',
    "half a string": b'{"text": "x',
    "two values": b'{"text": "x"} {}',
    "a comma too many": b'{"text": "x",}',
    "only a comma": b"{,}",
    "no comma": b'{"text": "x" "model": "small"}',
    "no colon": b'{"text" "x"}',
    "two colons": b'{"text":: "x"}',
    "a name without quotes": b'{text: "x"}',
    "single quotes": b"{'text': 'x'}",
    "a comment": b'{"text": "x" /* why */}',
    "a line comment": b'{"text": "x"} // why',
    "a hash": b'{"text": "x"} # why',
    "a semicolon": b'{"text": "x"};',
    "NaN": b'{"text": NaN}',
    "nan": b'{"text": nan}',
    "Infinity": b'{"text": Infinity}',
    "-Infinity": b'{"text": -Infinity}',
    "None": b'{"text": None}',
    "True": b'{"text": True}',
    "undefined": b'{"text": undefined}',
    "a plus": b'{"text": +1}',
    "a leading zero": b'{"text": 012}',
    "minus zero one": b'{"text": -01}',
    "hexadecimal": b'{"text": 0x1F}',
    "a bare point": b'{"text": .5}',
    "a point at the end": b'{"text": 1.}',
    "an exponent without digits": b'{"text": 1e}',
    "an exponent with a plus only": b'{"text": 1e+}',
    "a lone minus": b'{"text": -}',
    "two minuses": b'{"text": --1}',
    "digits of another script": '{"text": １}'.encode(),
    "a separator in a number": b'{"text": 1_000}',
    "too large a number": b'{"text": 1e999}',
    "too small a number": b'{"text": -1e999}',
    "a number of a thousand digits": b'{"text": ' + b"9" * 1000 + b"}",
    "a raw line break": b'{"text": "a\nb"}',
    "a raw tab": b'{"text": "a\tb"}',
    "a raw NUL": b'{"text": "a\0b"}',
    "a NUL after it": b'{"text": "x"}\0',
    "a control character": b'{"text": "\x1f"}',
    "a wrong escape": b'{"text": "\\x41"}',
    "an escaped quote of C": b'{"text": "\\\'"}',
    "a short \\u": b'{"text": "\\u12"}',
    "a \\u that is no number": b'{"text": "\\uZZZZ"}',
    "a capital \\U": b'{"text": "\\U0041"}',
    "a backslash at the end": b'{"text": "x\\"}',
    "a lone high surrogate": b'{"text": "\\ud800"}',
    "a lone low surrogate": b'{"text": "\\udc00"}',
    "surrogates in the wrong order": b'{"text": "\\udc00\\ud800"}',
    "two high surrogates": b'{"text": "\\ud800\\ud800"}',
    "a high one, then text": b'{"text": "\\ud800x"}',
    "a surrogate in UTF-8": b'{"text": "\xed\xa0\x80"}',
    "a byte of no character": b'{"text": "\xff"}',
    "half a character": b'{"text": "\xe2\x82"}',
    "an overlong slash": b'{"text": "\xc0\xaf"}',
    "beyond Unicode": b'{"text": "\xf4\x90\x80\x80"}',
    "Latin-1": '{"text": "é"}'.encode("latin-1"),
    "UTF-16": '{"text": "x"}'.encode("utf-16"),
    "UTF-32": '{"text": "x"}'.encode("utf-32-le"),
    "a byte order mark": b'\xef\xbb\xbf{"text": "x"}',
    "a no-break space": '{"text":\u00a0"x"}'.encode(),
    "a form feed": b'{"text":\x0c"x"}',
    "a name twice": b'{"text": "x", "text": "x"}',
    "a name twice, escaped": b'{"text": "x", "te\\u0078t": "y"}',
    "a name twice, deeper": b'{"x": {"a": 1, "a": 2}}',
    "depth 65": f'{{"text": {deep(64)}}}'.encode(),
    "depth 100,000": deep(100_000).encode(),
    "only open brackets": b"[" * 100_000,
    "only open objects": b'{"a":' * 50_000,
    "a bracket too many": b'{"text": "x"}}',
    "brackets that do not match": b'{"text": ["x"}]',
    "a form": b"text=x&model=small",
    "XML": b"<text>x</text>",
    "200,000 values": b'{"text": [' + b"1," * 200_000 + b"1]}",
}


@pytest.mark.parametrize("what", INVALID)
def test_what_is_no_json(server, what):
    for path in POSTS:
        error = check_error(
            server.post(path, INVALID[what]), 400, "invalid_json"
        )
        line, column, _ = error["message"].split(":", 2)
        assert int(line) >= 1 and int(column) >= 0, error
        assert error["param"] is None
        assert len(error["message"]) < 400


@pytest.mark.parametrize("text", ["[]", "0", '"x"', "null", "true", "[{}]"])
def test_json_that_is_no_object(server, text):
    for path in POSTS:
        check_error(server.post(path, text.encode()), 400, "wrong_type")


VALID = {
    "spaces": b' \t\r\n{ "text"\n:\t"x" } \r\n',
    "escapes": b'{"text": "\\u0041\\/\\b\\f\\n\\r\\t\\"\\\\"}',
    "a pair of surrogates": b'{"text": "\\uD83D\\uDE00"}',
    "an escaped NUL": b'{"text": "\\u0000"}',
    "a noncharacter": '{"text": "\uffff\ufdd0"}'.encode(),
    "a delete": b'{"text": "\x7f"}',
    "line separators": '{"text": "\u2028\u2029"}'.encode(),
    "an escaped name": b'{"t\\u0065xt": "x"}',
    "an empty text": b'{"text": ""}',
    "right to left": '{"text": "\u202eabc\u202c"}'.encode(),
    "a terminal's commands": b'{"text": "\\u001b[2J\\u001b]0;x\\u0007"}',
}


@pytest.mark.parametrize("what", VALID)
def test_odd_but_json(server, what):
    """The tokens of the text, joined, are the text: nothing got lost."""
    answer = server.post("/api/tokenize", VALID[what])
    assert answer.status == 200, answer.body
    tokens = answer.json()["tokens"]
    joined = b"".join(bytes(token["bytes"]) for token in tokens)
    assert joined.decode() == json.loads(VALID[what])["text"]


# Each parameter: what is taken, what is not, and a word of the range.
BIG = 2**63
PARAMETERS = {
    "temperature": (
        [0, 0.001, 0.7, 1, 100],
        [-1, 0.0009, 100.1, 1e308, "1", True, None, [1]],
        "from 0.001 to 100",
    ),
    "top_k": (
        [0, 1, 40, 2**31 - 1],
        [-1, 2**31, BIG, 10**30, 1.0, "1", False, None],
        "from 0 to 2147483647",
    ),
    "top_p": ([0, 0.5, 1, 1.0], [-0.1, 1.1, 2, "1", True, None], "from 0 to 1"),
    "min_p": ([0, 0.1, 1], [-1e-9, 1.5, 1e300, "0", {}, None], "from 0 to 1"),
    "typical_p": ([0, 0.9, 1], [-1, 2, [], None, "0.5"], "from 0 to 1"),
    "repetition_penalty": (
        [0.01, 1, 1.3, 100],
        [0, -1, 0.009, 101, None, "1"],
        "from 0.01 to 100",
    ),
    "frequency_penalty": (
        [-2, 0, 0.5, 2],
        [-2.1, 3, None, "0"],
        "from -2 to 2",
    ),
    "presence_penalty": ([-2, 0, 1.5, 2], [-3, 2.01, None, []], "from -2 to 2"),
    "max_tokens": (
        [1, 2, 3],
        [0, -1, 10**6 + 1, 10**9, BIG, 1.5, "8", True, None],
        "from 1 to 1000000",
    ),
    "seed": (
        [0, 1, BIG - 1],
        [-1, BIG, 2**64, 1.0, "7", True, None],
        "from 0 to 9223372036854775807",
    ),
    "top_logprobs": ([0, 1, 20], [-1, 21, 2.0, "1", None], "from 0 to 20"),
    "stop": (
        [[], ["zq"], ["zq", "\n\n\n"], ["z" * 256], ["zq"] * 16],
        ["x", [""], ["x", 7], ["x" * 257], ["x"] * 17, ["x"] * 10**5, None],
        "",
    ),
}
NAMES = list(PARAMETERS)
OFTEN = ("out_of_range", "wrong_type")


def all_pairs(choices, seed=0):
    """Rows that hold every pair of values of two parameters: greedily, the best
    of some rows at a time."""
    pick = random.Random(seed)

    def pairs_of(row):
        return itertools.combinations(sorted(row.items()), 2)

    wanted = set()
    for (a, values), (b, others) in itertools.combinations(
        sorted(choices.items()), 2
    ):
        wanted |= {((a, x), (b, y)) for x in values for y in others}
    rows = []
    while wanted:
        best, most = None, 0
        (a, x), (b, y) = pick.choice(sorted(wanted))
        for _ in range(30):
            row = {
                name: pick.choice(values) for name, values in choices.items()
            }
            row |= {a: x, b: y}
            new = sum(pair in wanted for pair in pairs_of(row))
            if new > most:
                best, most = row, new
        wanted -= set(pairs_of(best))
        rows.append(best)
    return rows


def good_rows():
    """Indices into the good values, then the values."""
    rows = all_pairs({n: range(len(PARAMETERS[n][0])) for n in NAMES})
    return [{n: PARAMETERS[n][0][i] for n, i in row.items()} for row in rows]


def test_every_pair_of_good_values(server):
    rows = good_rows()
    assert len(rows) >= 25
    for row in rows:
        body = {"prompt": "The cat", "stream": False, **row}
        answer = server.post("/api/generate", body)
        assert answer.status == 200, (row, answer.body)
        params = answer.json()["params"]
        for name, value in row.items():
            assert params[name] == pytest.approx(value), (name, row)
        assert len(answer.json()["tokens"]) <= row["max_tokens"]


def check_refused(answer, bad):
    error = check_error(answer, 400, answer.json()["error"]["code"])
    assert error["code"] in OFTEN, error
    name = error["param"].split("[")[0]
    assert name in bad, (bad, error)
    assert error["message"].startswith(f"expected {error['param']} ")
    if error["code"] == "out_of_range":
        assert PARAMETERS[name][2] in error["message"]
    assert len(error["message"]) < 300
    return name


def test_every_bad_value_among_good_ones(server):
    """Each four times, with other good values around it; the names of the
    others never come up."""
    rows, sent = itertools.cycle(good_rows()), 0
    for name, (_, bad, _) in PARAMETERS.items():
        for value in bad * 4:
            body = {"prompt": "x", **next(rows), name: value}
            answer = server.post("/api/generate", body)
            assert check_refused(answer, {name: value}) == name
            sent += 1
    assert sent > 250


def test_every_pair_of_bad_values(server):
    """All pairs of parameters, both bad: one of them is named."""
    rows = all_pairs({n: range(len(PARAMETERS[n][1])) for n in NAMES}, 1)
    assert len(rows) >= 60
    for row in rows:
        bad = {n: PARAMETERS[n][1][i] for n, i in row.items()}
        check_refused(server.post("/api/generate", {"prompt": "x", **bad}), bad)
    for a, b in itertools.combinations(NAMES, 2):
        bad = {n: PARAMETERS[n][1][0] for n in (a, b)}
        check_refused(server.post("/api/generate", {"prompt": "x", **bad}), bad)


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/chat/completions"])
def test_bad_values_in_openais_bodies(server, path):
    """The same values; null there is absent, and one stop may be a text."""
    prompt = {"prompt": "x"}
    if "chat" in path:
        prompt = {"messages": [{"role": "user", "content": "x"}]}
    for name, (_, bad, _) in PARAMETERS.items():
        if name == "top_logprobs":
            continue
        for value in bad:
            if value is None or value == "x":
                continue
            answer = server.post(path, {**prompt, name: value})
            assert check_refused(answer, {name: value}) == name


def test_a_generation_after_all_that(server):
    body = {"prompt": "x", "max_tokens": 3, "seed": 1, "stream": False}
    first = server.post("/api/generate", body)
    assert first.status == 200 and len(first.json()["tokens"]) == 3
    until = time.monotonic() + 10
    while server.get("/api/health").json()["queue"]["running"] > 0:
        assert time.monotonic() < until, "something still runs"


def test_a_prompt_at_the_edge_of_the_context(server):
    """S9: up to the context it is read, one token more is an error with both
    numbers; what does not fit behind it ends as "context"."""

    def send(count, max_tokens=4):
        body = {"prompt": [5] * count, "max_tokens": max_tokens, "seed": 1}
        return server.post("/v1/completions", {"model": "small", **body})

    for count in (1, 511, 512):
        answer = send(count)
        assert answer.status == 200, answer.body
        assert answer.json()["choices"][0]["finish_reason"] == "length"
    for count in (513, 5120):
        error = check_error(send(count), 400, "context_length_exceeded")
        assert "512" in error["message"] and str(count) in error["message"]
    answer = server.post("/api/generate", {"prompt": "", "stream": False})
    assert answer.status == 200 and answer.json()["prompt"]
    text = "The cat sat on the mat. " * 20
    tokens = len(server.post("/api/tokenize", {"text": text}).json()["tokens"])
    assert tokens < 512
    answer = server.post(
        "/api/generate",
        {"prompt": text, "max_tokens": 1000, "stream": False},
    )
    assert answer.json()["reason"] == "context"
    total = answer.json()["usage"]["total_tokens"]
    assert 512 <= total <= 513, total
