# SPDX-License-Identifier: MIT
"""The first view: an example before any model is loaded, a text token by token,
what stands behind each of them, branches, errors where they belong."""

import json
import math

import pytest
from looking import Run
from steps import (
    generate,
    is_percent,
    route,
    same_by_api,
    shown_tokens,
    visible,
    wait_for_end,
    wait_for_status,
)
from support.browser import screenshot, wait_for
from web_models import random_models, trained_models

PROMPT = "The fox "
SETTINGS = {"temperature": 0.9, "top_p": 0.95, "max_tokens": 40, "seed": 7}


@pytest.fixture
def written(visit, server):
    page = visit(server, route(PROMPT, **SETTINGS))
    generate(page)
    return page


@pytest.fixture(scope="module")
def said(server):
    return same_by_api(server, PROMPT, **SETTINGS)


def test_an_example_is_there_before_any_model_is_loaded(visit, new_server):
    server = new_server(trained_models())
    page = visit(server)
    page.get_by_role("heading", name="A recorded example").wait_for()
    wait_for(page, "document.querySelectorAll('.strip .token').length > 20")
    page.locator(".strip .token").nth(5).click()
    page.get_by_role("heading", name="Inside").wait_for()
    states = [m["state"] for m in server.get("/api/models")[1]["data"]]
    assert "loaded" not in states and "loading" not in states
    screenshot(page, "write-example")


def test_tokens_are_those_of_the_api(written, said):
    tokens = [visible(token["text"]) for token in said["tokens"]]
    assert shown_tokens(written) == tokens and len(tokens) == 40
    screenshot(written, "write")


def test_status_says_how_many_and_why(written, said):
    text = written.locator(".status-line").inner_text()
    assert text.startswith("40 tokens") and "reached the length" in text


def test_model_and_its_state(written):
    picker = written.get_by_label("Model", exact=True)
    names = picker.locator("option").all_inner_texts()
    assert any(n.startswith("tiny ") or n == "tiny" for n in names)
    assert any("tiny-2" in name for name in names)
    assert written.locator(".state").inner_text() == "ready"
    facts = written.locator(".model-facts").inner_text()
    assert "context 256" in facts and "2 layers × 4 heads" in facts


def test_inside_a_token(written, said):
    token = said["tokens"][3]
    written.locator(".strip .token").nth(3).click()
    facts = dict(
        zip(
            written.locator(".pin dt").all_inner_texts(),
            written.locator(".pin dd").all_inner_texts(),
        )
    )
    assert is_percent(facts["Model"], math.exp(token["logprob_raw"]))
    assert is_percent(facts["When drawn"], token["prob_final"])
    assert facts["Rank"] == str(token["rank"])
    bits = -token["logprob_raw"] / math.log(2)
    assert abs(float(facts["Surprise"].split()[0]) - bits) < 0.006 * (1 + bits)
    rows = written.locator(".alternatives tbody tr")
    for n, other in enumerate(token["top"][:5]):
        cells = rows.nth(n).locator("th, td").all_inner_texts()
        assert cells[1] == visible(other["text"])
        assert is_percent(cells[2], math.exp(other["logprob_raw"]))
        if other["cut_by"]:
            assert other["cut_by"] in cells[3]
        else:
            assert is_percent(cells[3], other["prob_final"])
    written.keyboard.press("Escape")
    assert written.locator(".pin").is_hidden()


def test_dotted_tokens_are_the_unlikely_ones(written, said):
    marked = written.evaluate(
        "[...document.querySelectorAll('.strip .token')]"
        ".map(b => b.classList.contains('unlikely'))"
    )
    assert marked == [t["logprob_raw"] < math.log(0.05) for t in said["tokens"]]


@pytest.mark.parametrize(
    "measure", ["Surprise", "Probability", "Rank", "Entropy"]
)
def test_colours_follow_the_measure(written, said, measure):
    box = written.get_by_role("group", name="What the colours show")
    box.get_by_role("radio", name=measure).check()
    levels = written.evaluate(
        "[...document.querySelectorAll('.strip .token')]"
        ".map(b => Number(/\\bh(\\d+)/.exec(b.className)[1]))"
    )
    key = {
        "Surprise": lambda t: -t["logprob_raw"],
        "Probability": lambda t: -t["logprob_raw"],
        "Rank": lambda t: t["rank"],
        "Entropy": lambda t: t["entropy"],
    }[measure]
    pairs = sorted((key(t), level) for t, level in zip(said["tokens"], levels))
    order = [level for _, level in pairs]
    assert order == sorted(order), "not monotone"
    assert len(set(order)) > 2, "all alike"


def test_continue_with_another_token_and_back(written, said):
    place = next(
        i for i, t in enumerate(said["tokens"]) if i > 3 and t["rank"] > 1
    )
    other = said["tokens"][place]["top"][0]
    written.locator(".strip .token").nth(place).click()
    before = shown_tokens(written)
    name = f"Continue with {visible(other['text'])}"
    written.get_by_role("button", name=name, exact=True).click()
    written.get_by_role("heading", name="A branch").wait_for()
    wait_for_end(written)
    after = shown_tokens(written)
    assert after[:place] == before[:place]
    assert after[place] == visible(other["text"])
    written.keyboard.press("Alt+ArrowLeft")
    wait_for(
        written,
        f"document.querySelectorAll('.strip .token').length === {len(before)}",
    )
    assert shown_tokens(written) == before
    # The branch is kept: one can go there again.
    branches = written.get_by_role("navigation", name="Branches")
    branches.get_by_role("button").last.click()
    written.get_by_role("heading", name="A branch").wait_for()
    wait_for_end(written)
    assert shown_tokens(written) == after


def test_replay_writes_the_same(written):
    before = shown_tokens(written)
    written.get_by_role("button", name="Replay seed 7").click()
    written.get_by_text("The same text again, token for token.").wait_for()
    wait_for_end(written)
    assert shown_tokens(written) == before


def stages_shown(page):
    """[(name, survivors, mass)] of the X-ray."""
    page.locator("table.xray tbody tr").first.wait_for()
    return page.evaluate(
        """() => [...document.querySelectorAll("table.xray th.stage")].map((th) => [
          th.querySelector(".stage-name").textContent,
          Number(th.querySelector("b").textContent.replaceAll(",", "")),
          th.querySelector(".stage-facts span").textContent,
        ])"""
    )


def test_xray_is_the_chain_of_the_server(written, server, said):
    place = 6
    ids = [t["id"] for t in said["prompt"] + said["tokens"]]
    run = Run(server, tokens=ids)
    at = len(said["prompt"]) + place - 1
    written.locator(".strip .token").nth(place).click()
    written.get_by_role("button", name="Sampler X-ray").click()
    for temperature in (0.9, 0.5, 1.7):
        if temperature != 0.9:
            number = written.locator("#xray-temperature")
            number.fill(str(temperature))
            written.wait_for_timeout(100)
        path = f"/api/runs/{run.id}/stages?pos={at}&temperature={temperature}"
        status, wanted = server.get(path + "&top_p=0.95")
        assert status == 200, wanted
        shown = stages_shown(written)
        assert len(shown) == len(wanted["stages"]) == 3
        for (_, survivors, mass), stage in zip(shown, wanted["stages"]):
            assert survivors == stage["survivors"]
            assert is_percent(mass, stage["mass"])
    screenshot(written, "write-xray")


def test_stop_stops_the_computing(visit, new_server):
    server = new_server(random_models(), "--model", "random")
    page = visit(server, route("the cat", max_tokens=100000, seed=1))
    page.locator("#generate").click()
    wait_for(page, "document.querySelectorAll('.strip .token').length > 30")
    page.keyboard.press("Escape")
    wait_for_status(page, "you stopped it")
    assert server.wait_until_idle(5) < 1
    assert len(shown_tokens(page)) < 4000


def test_a_wrong_value_is_said_at_its_field(visit, server):
    page = visit(server, route(PROMPT, max_tokens=5))
    field = page.locator("#set-temperature")
    field.fill("-1")
    page.locator("#generate").click()
    problem = page.locator("#set-temperature-problem")
    assert problem.is_visible() and "0" in problem.inner_text()
    assert field.get_attribute("aria-invalid") == "true"
    field.fill("1")
    generate(page)


def test_a_prompt_that_is_too_long_says_both_numbers(visit, server):
    page = visit(server, "#/")
    page.visitor.expect("400")
    page.locator("#prompt").fill("The fox saw the moon. " * 30)
    page.locator("#generate").click()
    problem = page.locator("#prompt-problem")
    problem.filter(has_text="256").wait_for()
    assert str(22 * 30) in problem.inner_text()


def test_nothing_typed(visit, server):
    page = visit(server, "#/")
    page.locator("#prompt").fill("")
    page.locator("#generate").click()
    assert page.locator("#prompt-problem").is_visible()


def test_link_opens_the_same_settings_and_writes_the_same(visit, server):
    allowed = ["clipboard-read", "clipboard-write"]
    page = visit(server, route(PROMPT, **SETTINGS), permissions=allowed)
    generate(page)
    page.get_by_role("button", name="Copy a link to this").click()
    page.get_by_text("The link is copied").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(server.url + "/app/#/?")
    again = visit(server, link[link.index("#") :])
    assert again.locator("#prompt").input_value() == PROMPT
    assert again.locator("#set-temperature").input_value() == "0.9"
    generate(again)
    assert shown_tokens(again) == shown_tokens(page)


def test_export_of_everything(written, said, tmp_path):
    written.get_by_role("button", name="Export").click()
    with written.expect_download() as download:
        written.get_by_role("button", name="Everything as JSON").click()
    file = tmp_path / "all.json"
    download.value.save_as(file)
    found = json.loads(file.read_text())
    assert found["seed"] == 7 and found["model"] == "tiny"
    ids = [token["id"] for token in said["tokens"]]
    assert [token["id"] for token in found["tokens"]] == ids
