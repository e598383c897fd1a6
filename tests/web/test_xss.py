# SPDX-License-Identifier: MIT
"""Texts that are code where they are taken for it, in each place that shows a
text of somebody else: nothing runs, nothing is fetched, no element is made of
them; they are all to be read. (reliability.md, S13)"""

import pytest
from steps import route
from support.browser import wait_for
from support.web_stub import MODEL, encoded, generation
from xss_vectors import vectors

VECTORS = vectors()
ERROR = {"type": "invalid_request_error", "param": None, "code": "x"}
# Elements that the page never makes itself.
STRANGE = (
    "script:not([src='script.js']), iframe, object, embed, video, audio, base, "
    "style, marquee, math, template, meta[http-equiv], image, img:not([alt='']), "
    "[onerror], [onload], [onfocus], [ontoggle], [onclick], [style*=url], "
    "a[href^=javascript], a[href*=evil], link[href*=evil], [formaction]"
)


def nothing_happened(page):
    assert page.evaluate("window.problems") == []
    found = page.evaluate(
        "s => [...document.querySelectorAll(s)].map(n => n.outerHTML)", STRANGE
    )
    assert found == []


def texts_of(page, selector):
    return page.evaluate(
        "s => [...document.querySelectorAll(s)].map(n => n.textContent)",
        selector,
    )


def test_enough_of_them():
    assert len(VECTORS) >= 300


def test_the_tripwire_works(visit, new_stub):
    """Where the policy is off, markup is code: the tests above could fail."""
    stub = new_stub()
    page = visit(stub, bypass_csp=True)
    page.visitor.expect("called alert()", "404", "net::")
    page.evaluate(
        "document.body.insertAdjacentHTML('beforeend',"
        " '<img src=x onerror=alert(1)>')"
    )
    wait_for(page, "window.problems.length > 0")


def test_generated_tokens_and_their_alternatives(visit, new_stub):
    stub = new_stub(lambda body: encoded(generation(VECTORS)))
    page = visit(stub, route("Once"))
    page.locator("#generate").click()
    wait_for(
        page,
        "document.querySelectorAll('.strip .token').length "
        f"=== {len(VECTORS)}",
    )
    for place in range(0, len(VECTORS), 23):
        page.locator(".strip .token").nth(place).click()
        page.get_by_role("heading", name="Inside").wait_for()
    nothing_happened(page)


def test_prompts(visit, new_stub):
    stub = new_stub()
    page = visit(stub, route("\n".join(VECTORS)))
    assert page.locator("#prompt").input_value() == "\n".join(VECTORS)
    page.locator("#generate").click()
    page.locator(".strip .token").first.wait_for()
    assert stub.bodies[0]["prompt"] == "\n".join(VECTORS)
    nothing_happened(page)


def test_names_and_errors_of_models(visit, new_stub):
    stub = new_stub()
    stub.models = [
        {**MODEL, "id": f"m{n}", "name": text, "state": "failed",
         "error": text, "arch": text, "dtype": text, "default": n == 0}
        for n, text in enumerate(VECTORS)
    ]  # fmt: skip
    page = visit(stub)
    picker = page.get_by_label("Model", exact=True)
    wait_for(
        page,
        f"document.querySelectorAll('#model option').length === {len(VECTORS)}",
    )
    for n in range(0, len(VECTORS), 11):
        picker.select_option(f"m{n}")
        assert VECTORS[n] in texts_of(page, ".model-facts")[0]
    page.goto(stub.url + "/app/#/compare")
    page.locator("#compare-model-A option").first.wait_for(state="attached")
    nothing_happened(page)


def test_messages_of_errors(visit, new_stub):
    """Each as an event in a stream, as an answer, and on a field."""
    queue = iter(VECTORS)

    def pieces(body):
        text = next(queue)
        error = {"error": {**ERROR, "message": text}}
        kind = len(stub.bodies) % 3
        if kind == 0:
            error["error"]["param"] = "temperature"
        if kind == 1:
            return encoded([*generation(["a"])[:2], ("error", error)])
        return (400, error)

    stub = new_stub(pieces)
    page = visit(stub, route("Once"))
    page.visitor.expect("400")
    page.locator("#model option").first.wait_for(state="attached")
    for n in range(len(VECTORS)):
        page.evaluate("document.querySelector('#generate').click()")
        wait_for(
            page,
            "n => !document.querySelector('#generate').hidden && "
            "document.querySelector('.status-line.problem')",
            argument=n,
        )
        shown = texts_of(page, ".status-line span")[0]
        assert shown == VECTORS[n]
    nothing_happened(page)


def test_names_and_samples_of_training_runs(visit, new_stub):
    head = {
        "run": VECTORS[0],
        "config": {"config": {"steps": len(VECTORS)}},
        "ladder": [{"model": VECTORS[5], "n": 2, "val_nats_per_char": 2.0}],
    }
    lines = [
        {"step": n + 1, "loss": 3.0 - n / 1000, "tokens_per_s": 9.0, "seconds": n,
         "lr": 0.1, "grad_norm": 1.0, "tokens": n, "sample": text}
        for n, text in enumerate(VECTORS)
    ]  # fmt: skip
    run = {"id": "r", "name": VECTORS[3], "state": "finished", "step": 3}
    run |= {"steps": 9, "loss": 1.0, "val_loss": 2.0, "updated_s": 0}
    stub = new_stub()
    stub.answers["/api/training"] = {"data": [run]}
    stub.streams["/api/training/r/events"] = [
        ("state", {"state": "finished"}), ("head", head),
        ("steps", {"lines": lines}), ("done", {}),
    ]  # fmt: skip
    page = visit(stub, "#/training")
    page.locator(".samples p").first.wait_for()
    assert texts_of(page, ".samples p") == VECTORS[::-1]
    page.get_by_role("button", name="View as table").click()
    nothing_happened(page)


@pytest.mark.parametrize("view", ["attention", "layers"])
def test_tokens_of_a_run(visit, new_stub, view):
    """A text that somebody links to."""
    tokens = [
        {"id": n, "text": text, "bytes": list(text.encode())}
        for n, text in enumerate(VECTORS)
    ]
    count = len(tokens)
    run = {"run": "r", "model": "stub", "tokens": tokens, "n_layers": 1,
           "n_heads": 1, "n_kv_heads": 1, "layers": [0], "bytes": 1,
           "expires_s": 600}  # fmt: skip
    score = {"layer": 0, "head": 0, "kv_group": 0, "entropy": 1.0, "sink": 0.1,
             "prev": 0.5, "induction": 0.1, "distance": 3.0}  # fmt: skip
    row = {
        "layer": 0,
        "head": 0,
        "q": count - 1,
        "weights": [1 / count] * count,
    }
    row["value_norms"] = [1.0] * count

    def lens(positions):
        top = [{**tokens[p], "p": 0.5} for p in range(5)]
        return [
            {"pos": p, "kl": 0.5, "rank_final": 3, "top": [{**tokens[p], "p": 0.5}, *top[1:]]}
            for p in positions
        ]  # fmt: skip

    stub = new_stub()
    first = count - 32
    stub.answers |= {
        "/api/runs/r": run,
        "/api/runs/r/heads": {"heads": [score]},
        "/api/runs/r/thumbs": bytes(64 * 64),
        "/api/runs/r/attention": bytes(range(256)) * (count * count // 512 + 9),
        "/api/runs/r/row": row,
        "/api/runs/r/lens": {"from": first, "to": count, "layers": [
            {"layer": n, "positions": lens(range(first, count))}
            for n in range(2)
        ]},
    }  # fmt: skip
    stub.headers["/api/runs/r/thumbs"] = {"X-Shape": "1,1,64,64"}
    stub.headers["/api/runs/r/attention"] = {"X-Shape": str(count)}
    page = visit(stub, f"#/{view}?run=r&layer=0&head=0")
    selector = (
        ".linked-text .token" if view == "attention" else ".lens-table td"
    )
    page.locator(selector).first.wait_for()
    page.wait_for_timeout(300)
    assert len(texts_of(page, selector)) >= 60
    nothing_happened(page)
