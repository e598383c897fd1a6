# SPDX-License-Identifier: MIT
"""The page reads a stream as it comes: cut at any byte, glued together, stalled,
broken off. The server is a stub (benchmarks/support/web_stub.py)."""

import pytest
from steps import route, shown_tokens, visible, wait_for_status
from support.browser import wait_for
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
def test_wherever_it_is_cut_the_text_is_whole(visit, new_stub, cut):
    stub = new_stub(lambda body: pieces_of(cut))
    page = visit(stub, route("Once"))
    page.locator("#generate").click()
    wait_for_status(page, "it reached the length")
    wait_for(
        page,
        f"document.querySelectorAll('.strip .token').length === {len(TEXTS)}",
    )
    assert shown_tokens(page) == [visible(text) for text in TEXTS]


def test_a_stall_in_the_middle_of_a_character(visit, new_stub):
    whole = b"".join(encoded(generation(TEXTS)))
    middle = whole.index("🦊".encode()) + 2
    pieces = [whole[:middle], 1.0, whole[middle:]]
    stub = new_stub(lambda body: pieces)
    page = visit(stub, route("Once"))
    page.locator("#generate").click()
    page.wait_for_timeout(500)
    assert shown_tokens(page) == ["Zoë"]
    wait_for_status(page, "it reached the length")


def test_a_connection_that_breaks_off_keeps_what_was_written(visit, new_stub):
    events = generation(TEXTS)[:6]
    stub = new_stub(lambda body: encoded(events))
    page = visit(stub, route("Once"))
    page.locator("#generate").click()
    wait_for_status(page, "before the text was finished")
    assert shown_tokens(page) == [visible(text) for text in TEXTS[:4]]
    assert page.locator("#generate").is_visible(), "one can try again"


def test_an_error_in_the_stream(visit, new_stub):
    error = {"code": "internal", "type": "server_error", "param": None}
    error["message"] = "expected the model to go on but it did not (id 12ab)."
    events = [*generation(TEXTS)[:5], ("error", {"error": error})]
    stub = new_stub(lambda body: encoded(events))
    page = visit(stub, route("Once"))
    page.locator("#generate").click()
    wait_for_status(page, "(id 12ab)")
    assert len(shown_tokens(page)) == 3


def test_waiting_loading_and_reading_are_told(visit, new_stub):
    start, _, *rest = generation(TEXTS)
    loading = {"done": 0, "total": 0, "loading": True}
    told = [0.3, event("prefill", 0, loading), 1.5, event(*numbered(start, 1))]
    for done in (128, 256):
        prefill = {"done": done, "total": 400}
        told += [event("prefill", done, prefill), 1.5]
    stub = new_stub(lambda body: [*told, *encoded(rest)])
    page = visit(stub, route("Once"))
    page.locator("#generate").click()
    for text in ("Loading the model", "128 of 400", "256 of 400"):
        wait_for_status(page, text)
    wait_for_status(page, "it reached the length")


def numbered(named, number):
    name, data = named
    return name, number, data


def test_overload_says_when_to_try_again(visit, new_stub):
    error = {"code": "queue_full", "type": "rate_limit_error", "param": None}
    error["message"] = "expected a free place but all 64 are taken."
    stub = new_stub(lambda body: (429, {"error": error}))
    page = visit(stub, route("Once"))
    page.visitor.expect("429")
    page.locator("#generate").click()
    wait_for_status(page, "all 64 are taken")


def test_stop_is_told_to_the_server_and_closes(visit, new_stub):
    """It never ends by itself."""
    endless = [
        x for part in encoded(generation(["a"] * 5)[:-1]) for x in (part, 0.02)
    ]

    def pieces(body):
        yield from endless
        for _ in range(300):
            yield 0.1
            yield b": ping\n\n"

    stub = new_stub(pieces)
    stub.answers["/api/cancel"] = {"cancelled": True}
    page = visit(stub, route("Once"))
    page.locator("#generate").click()
    wait_for(page, "document.querySelectorAll('.strip .token').length === 5")
    page.locator("#stop").click()
    wait_for_status(page, "you stopped it")


def test_no_server_any_more(visit):
    with Stub() as stub:
        page = visit(stub, route("Once"))
        page.visitor.expect("net::ERR_", "Failed to load")
        page.locator("#model option").first.wait_for(state="attached")
    page.locator("#generate").click()
    wait_for_status(page, "The server does not answer")


def test_a_model_that_cannot_be_loaded_says_why(visit, new_stub):
    broken = {**MODEL, "id": "broken", "name": "broken", "state": "failed"}
    broken |= {"default": False, "error": "expected 12 tensors but found 11."}
    stub = new_stub()
    stub.models = [MODEL, broken]
    page = visit(stub)
    page.get_by_label("Model", exact=True).select_option("broken")
    page.get_by_text("expected 12 tensors but found 11.").wait_for()


def test_4000_tokens_are_one_button_each(visit, new_stub):
    texts = [" word"] * 4000
    stub = new_stub(lambda body: encoded(generation(texts)))
    page = visit(stub, route("Once"))
    page.locator("#generate").click()
    wait_for(
        page,
        "document.querySelectorAll('.strip .token').length === 4000",
        seconds=30,
    )
    assert page.locator(".strip .token[tabindex='0']").count() == 1
