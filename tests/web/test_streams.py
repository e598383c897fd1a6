# SPDX-License-Identifier: MIT
"""The page reads a stream as it comes: cut at any byte, glued together, stalled,
broken off. The server is a stub (benchmarks/support/web_stub.py)."""

import pytest
from steps import route, shown_tokens, visible
from support.web_stub import MODEL, Stub, encoded, event, generation

TEXTS = [
    "Zoë",
    " 🦊",
    "\n",
    " said",
    ":",
    " “",
    "日本",
    "語",
    "”",
    ".",
    " \r\n",
]


def pieces_of(cut):
    whole = b"".join(encoded(generation(TEXTS)))
    if cut == "bytes":
        return [whole[i : i + 1] for i in range(len(whole))]
    if cut == "once":
        return [whole]
    if cut == "lines with CR":
        return [whole.replace(b"\n", b"\r\n")]
    if cut == "between CR and LF":
        parts = whole.replace(b"\n", b"\r\n").split(b"\r\n")
        return [x for part in parts[:-1] for x in (part + b"\r", 0.001, b"\n")]
    if cut == "pings":
        return [
            x
            for part in encoded(generation(TEXTS))
            for x in (b": ping\n\n", part)
        ]
    size = int(cut)
    return [whole[i : i + size] for i in range(0, len(whole), size)]


@pytest.mark.parametrize(
    "cut",
    ["bytes", "once", "lines with CR", "between CR and LF", "pings", "7", "61"],
)
def test_wherever_it_is_cut_the_text_is_whole(visit, cut):
    with Stub(lambda body: pieces_of(cut)) as stub:
        page = visit(stub, route("Once"))
        page.locator("#generate").click()
        page.get_by_text("it reached the length").wait_for()
        page.wait_for_function(
            f"document.querySelectorAll('.strip .token').length === {len(TEXTS)}"
        )
        assert shown_tokens(page) == [visible(text) for text in TEXTS]


def test_a_stall_in_the_middle_of_a_character(visit):
    whole = b"".join(encoded(generation(TEXTS)))
    middle = whole.index("🦊".encode()) + 2
    pieces = [whole[:middle], 1.0, whole[middle:]]
    with Stub(lambda body: pieces) as stub:
        page = visit(stub, route("Once"))
        page.locator("#generate").click()
        page.wait_for_timeout(500)
        assert shown_tokens(page) == ["Zoë"]
        page.get_by_text("it reached the length").wait_for()


def test_a_connection_that_breaks_off_keeps_what_was_written(visit):
    events = generation(TEXTS)[:6]
    with Stub(lambda body: encoded(events)) as stub:
        page = visit(stub, route("Once"))
        page.locator("#generate").click()
        page.get_by_text("The connection ended before the text did").wait_for()
        assert shown_tokens(page) == [visible(text) for text in TEXTS[:4]]
        assert page.locator("#generate").is_visible(), "one can try again"


def test_an_error_in_the_stream(visit):
    error = {"code": "internal", "type": "server_error", "param": None}
    error["message"] = "expected the model to go on but it did not (id 12ab)."
    events = [*generation(TEXTS)[:5], ("error", {"error": error})]
    with Stub(lambda body: encoded(events)) as stub:
        page = visit(stub, route("Once"))
        page.locator("#generate").click()
        page.get_by_text("(id 12ab)").first.wait_for()
        assert len(shown_tokens(page)) == 3


def test_waiting_loading_and_reading_are_told(visit):
    start, _, *rest = generation(TEXTS)
    loading = {"done": 0, "total": 0, "loading": True}
    told = [0.3, event("prefill", 0, loading), 0.6, event(*numbered(start, 1))]
    for done in (128, 256):
        prefill = {"done": done, "total": 400}
        told += [event("prefill", done, prefill), 0.6]
    with Stub(lambda body: [*told, *encoded(rest)]) as stub:
        page = visit(stub, route("Once"))
        page.locator("#generate").click()
        for text in ("Loading the model", "128 of 400", "256 of 400"):
            page.get_by_text(text).wait_for()
        page.get_by_text("it reached the length").wait_for()


def numbered(named, number):
    name, data = named
    return name, number, data


def test_overload_says_when_to_try_again(visit):
    error = {"code": "queue_full", "type": "rate_limit_error", "param": None}
    error["message"] = "expected a free place but all 64 are taken."
    with Stub(lambda body: (429, {"error": error})) as stub:
        page = visit(stub, route("Once"))
        page.visitor.expect("429")
        page.locator("#generate").click()
        page.get_by_role("alert").get_by_text("all 64 are taken").wait_for()


def test_stop_is_told_to_the_server_and_closes(visit):
    """It never ends by itself."""
    endless = [
        x for part in encoded(generation(["a"] * 5)[:-1]) for x in (part, 0.02)
    ]

    def pieces(body):
        yield from endless
        for _ in range(300):
            yield 0.1
            yield b": ping\n\n"

    with Stub(pieces) as stub:
        stub.answers["/api/cancel"] = {"cancelled": True}
        page = visit(stub, route("Once"))
        page.locator("#generate").click()
        page.wait_for_function(
            "document.querySelectorAll('.strip .token').length === 5"
        )
        page.locator("#stop").click()
        page.get_by_text("you stopped it").wait_for()


def test_no_server_any_more(visit):
    with Stub() as stub:
        page = visit(stub, route("Once"))
        page.visitor.expect("ERR_CONNECTION_REFUSED", "ERR_", "Failed to load")
        page.locator("#model option").first.wait_for(state="attached")
    page.locator("#generate").click()
    page.get_by_text("The server does not answer").first.wait_for()


def test_a_model_that_cannot_be_loaded_says_why(visit):
    broken = {**MODEL, "id": "broken", "name": "broken", "state": "failed"}
    broken |= {"default": False, "error": "expected 12 tensors but found 11."}
    with Stub() as stub:
        stub.models = [MODEL, broken]
        page = visit(stub)
        page.get_by_label("Model", exact=True).select_option("broken")
        page.get_by_text("expected 12 tensors but found 11.").wait_for()


def test_4000_tokens_are_one_button_each(visit):
    texts = [" word"] * 4000
    with Stub(lambda body: encoded(generation(texts))) as stub:
        page = visit(stub, route("Once"))
        page.locator("#generate").click()
        page.wait_for_function(
            "document.querySelectorAll('.strip .token').length === 4000",
            timeout=30000,
        )
        assert page.locator(".strip .token[tabindex='0']").count() == 1
