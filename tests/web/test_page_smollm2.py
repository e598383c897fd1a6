# SPDX-License-Identifier: MIT
"""The page with a real model: SmolLM2-135M, thirty layers of nine heads that
share three key-value heads, a chat template, a vocabulary of 49,152."""

import numpy as np
import pytest
from looking import READ_MATRIX, Run, codes, opened, pooled
from steps import generate, route, shown_tokens
from support.browser import screenshot, wait_for

TEXT = (
    "When Mary and John went to the shop, John gave a bottle of milk to Mary. "
    "When Mary and John went to the park, John gave a flower to"
)


@pytest.fixture(scope="module")
def run(smollm2_server):
    return Run(smollm2_server, TEXT, "smollm2")


def test_writing(visit, smollm2_server):
    prompt = "The capital of France is"
    settings = {"temperature": 0, "max_tokens": 24}
    page = visit(smollm2_server, route(prompt, **settings))
    generate(page)
    assert "Paris" in "".join(shown_tokens(page))
    page.locator(".strip .token").first.click()
    page.get_by_role("button", name="Sampler X-ray").click()
    page.locator("table.xray tbody tr").first.wait_for()
    assert "49,152" in page.locator("table.xray").inner_text()
    screenshot(page, "smollm2-write")


def test_a_conversation(visit, smollm2_server):
    page = visit(smollm2_server, "#/?max_tokens=40&temperature=0")
    page.get_by_role("radio", name="Chat").check()
    page.get_by_label("Your message").fill("Name the capital of Italy.")
    page.get_by_role("button", name="Send").click()
    page.locator(".turn.assistant .token").first.wait_for()
    wait_for(page, "!document.querySelector('#generate').hidden")
    assert "Rome" in page.locator(".turn.assistant").inner_text()
    page.get_by_label("Your message").fill("And of Spain?")
    page.keyboard.press("Control+Enter")
    wait_for(page, "document.querySelectorAll('.turn.user').length === 2")
    wait_for(page, "!document.querySelector('#generate').hidden")
    screenshot(page, "smollm2-chat")


def test_attention_of_270_heads(visit, smollm2_server, run):
    page = opened(visit, smollm2_server, run)
    assert page.locator(".sheet-head").count() == 270
    marks = page.locator(".sheet-bracket").all_inner_texts()
    assert marks == ["KV 0", "KV 1", "KV 2"]
    chosen = page.locator(".sheet-head[aria-current]").get_attribute(
        "data-head"
    )
    layer, head = map(int, chosen.split("."))
    seen = page.evaluate(READ_MATRIX)
    exact = codes(run.weights(layer, head))
    for q in range(run.length):
        assert np.abs(np.array(seen[q][: q + 1]) - exact[q, : q + 1]).max() <= 1
    headers, raw = run.bytes("thumbs?size=64")
    side = min(64, run.length)
    assert headers["X-Shape"] == f"30,9,{side},{side}"
    raw = raw.reshape(30, 9, side, side)
    wanted = codes(pooled(run.weights(layer, head), side))
    assert np.abs(raw[layer, head].astype(float) - wanted).max() <= 1
    screenshot(page, "smollm2-attention")


def test_an_induction_head_is_found(run):
    """The text repeats itself: some head looks behind the earlier copy."""
    scores = run.server.get(f"/api/runs/{run.id}/heads")[1]["heads"]
    best = max(scores, key=lambda score: score["induction"])
    assert best["induction"] > 0.3


def test_lens(visit, smollm2_server, run):
    page = visit(smollm2_server, f"#/layers?run={run.id}")
    page.locator(".lens-table td").first.wait_for()
    assert page.locator(".lens-table tbody tr").count() == 31
    last = page.locator(".lens-table tbody tr").first.locator("td").last
    assert "Mary" in last.inner_text()
    screenshot(page, "smollm2-layers")


def test_what_if(visit, smollm2_server, run):
    address = f"#/compare?mode=whatif&run={run.id}&model=smollm2"
    page = visit(smollm2_server, address)
    page.get_by_label("Change", exact=True).select_option("scale_mlp")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name="Read it again").click()
    page.locator("section[aria-label='What changed']").wait_for()
    screenshot(page, "smollm2-what-if")
