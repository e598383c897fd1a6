# SPDX-License-Identifier: MIT
"""Two runs of one prompt beside each other, and what-if."""

import json
import math
import urllib.parse

import pytest
from looking import Run
from steps import same_by_api, visible
from support.browser import screenshot, wait_for

A = {"model": "tiny", "temperature": 0, "top_k": 0, "top_p": 1, "seed": 1}
B = {"model": "tiny-2", "temperature": 0, "top_k": 0, "top_p": 1, "seed": 1}
PROMPT = "The fox "


def compare(visit, server, a, b, tokens=30):
    values = {"prompt": PROMPT, "max_tokens": tokens}
    values |= {"a": json.dumps(a), "b": json.dumps(b)}
    page = visit(server, "#/compare?" + urllib.parse.urlencode(values))
    page.get_by_role("button", name="Write both").click()
    page.locator("section[aria-label='Difference']").wait_for()
    return page


def numbers(page):
    """{row: [A, B]} of the table."""
    table = page.get_by_role("region", name="Numbers of both runs")
    return {
        row.locator("th").inner_text(): row.locator("td").all_inner_texts()
        for row in table.locator("tbody tr").all()
    }


def mean_log_p(said):
    values = [t["logprob_raw"] for t in said["tokens"]]
    return sum(values) / len(values)


def test_two_models(visit, server):
    page = compare(visit, server, A, B)
    both = [
        same_by_api(server, PROMPT, max_tokens=30, top_logprobs=0, **side)
        for side in (A, B)
    ]
    for name, said in zip("AB", both):
        text = page.get_by_role("log", name=f"Text of {name}")
        assert text.text_content() == said["text"]
    found = numbers(page)
    assert found["Tokens"] == ["30", "30"]
    for shown, said in zip(found["Mean log p (nats)"], both):
        shown = float(shown.replace("−", "-"))
        assert abs(shown - mean_log_p(said)) < 1e-3 * (1 + abs(shown))
    # A's text as B reads it.
    ids = [t["id"] for t in both[0]["tokens"]]
    force = [{"i": i, "id": id_} for i, id_ in enumerate(ids)]
    read = same_by_api(server, PROMPT, max_tokens=30, force=force, **B)
    shown = float(found["Perplexity of A's text"][1].replace(",", ""))
    wanted = math.exp(-mean_log_p(read))
    assert abs(shown - wanted) < 1e-2 * wanted
    screenshot(page, "compare")


def test_the_same_side_twice_has_no_difference(visit, server):
    page = compare(visit, server, A, A)
    texts = [
        page.get_by_role("log", name=f"Text of {name}").text_content()
        for name in "AB"
    ]
    assert texts[0] == texts[1]
    assert page.locator(".only-a, .only-b").count() == 0


def test_a_head_of_both(visit, server):
    page = compare(visit, server, A, B)
    page.get_by_role("button", name="Compare a head in both").click()
    wait_for(
        page,
        "[...document.querySelectorAll('canvas.matrix-picture')]"
        ".filter(c => c.matrix.bitmap).length === 2",
    )
    screenshot(page, "compare-head")


@pytest.fixture(scope="module")
def run(server):
    return Run(server)


def what_if(visit, server, run):
    page = visit(server, f"#/compare?mode=whatif&run={run.id}&model=tiny")
    page.get_by_label("Change", exact=True).wait_for()
    return page


def read_again(page):
    page.get_by_role("button", name="Add", exact=True).click()
    page.locator(".edit-list .chip").first.wait_for()
    page.get_by_role("button", name="Read it again").click()
    page.locator("section[aria-label='What changed']").wait_for()


def test_without_a_head(visit, server, run):
    page = what_if(visit, server, run)
    page.get_by_role("spinbutton", name="Layer").fill("1")
    page.get_by_role("spinbutton", name="Head").fill("2")
    read_again(page)
    edit = {"type": "scale_head", "layer": 1, "head": 2, "by": 0}
    body = {"run": run.id, "interventions": [edit]}
    status, wanted = server.post("/api/whatif", body)
    assert status == 201, wanted
    text = page.locator("section[aria-label='What changed'] p").first
    shown = float(text.inner_text().split(" by ")[1].split(" nats")[0])
    assert abs(shown - wanted["kl"]) <= 0.006 * wanted["kl"] + 1e-6
    first = page.locator(".before-after tbody th").first.inner_text()
    both = wanted["top_before"][0], wanted["top_after"][0]
    assert first == visible(max(both, key=lambda t: t["p"])["text"])
    screenshot(page, "what-if")


def test_another_token(visit, server, run):
    page = what_if(visit, server, run)
    page.get_by_label("Change", exact=True).select_option("replace_token")
    page.get_by_label("Position").fill("4")
    page.get_by_label("New token").fill("o")
    read_again(page)
    tokens = server.post("/api/tokenize", {"model": "tiny", "text": "o"})[1]
    edit = {"type": "replace_token", "pos": 4, "id": tokens["tokens"][0]["id"]}
    status, wanted = server.post(
        "/api/whatif", {"run": run.id, "interventions": [edit]}
    )
    assert status == 201, wanted
    assert all(kl < 1e-6 for kl in wanted["kl_by_position"][:4]), "the past"
    table = page.get_by_role("button", name="View as table").first
    table.click()
    rows = page.locator(".figure tbody tr")
    texts = [row.split("\t")[-1] for row in rows.all_inner_texts()]
    shown = [float(text.replace("−", "-")) for text in texts]
    for a, b in zip(shown, wanted["kl_by_position"]):
        assert abs(a - b) <= 1e-3 * abs(b) + 1e-6


def test_nothing_to_change(visit, server, run):
    page = what_if(visit, server, run)
    page.get_by_role("button", name="Read it again").click()
    page.get_by_text("Add at least one change first.").wait_for()
