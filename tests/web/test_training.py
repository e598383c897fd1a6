# SPDX-License-Identifier: MIT
"""The training view shows what metrics.jsonl holds."""

import json

import pytest
from support.browser import screenshot, wait_for


@pytest.fixture(scope="module")
def lines(server):
    text = (server.models / "tiny" / "metrics.jsonl").read_text()
    head, *steps = [json.loads(line) for line in text.splitlines()]
    return head, [step for step in steps if "loss" in step]


@pytest.fixture
def page(visit, server):
    page = visit(server, "#/training?run=tiny")
    page.locator("svg.chart path.line").first.wait_for()
    return page


def test_runs_are_listed(page):
    names = page.locator(".runs b").all_inner_texts()
    assert len(names) == 2 and page.locator(".runs").get_by_text("step 60")
    page.locator(".runs a").nth(1).click()
    wait_for(page, "location.hash.includes('run=')")


def test_numbers_are_those_of_the_file(page, lines):
    _, steps = lines
    facts = dict(
        zip(
            page.locator(".training-detail dt").all_inner_texts(),
            page.locator(".training-detail dd").all_inner_texts(),
        )
    )
    assert facts["Step"].startswith("60")
    val = [s for s in steps if s.get("val_loss_sampled") is not None]
    shown = float(facts["Loss, validation"])
    assert abs(shown - val[-1]["val_loss_sampled"]) < 0.006
    page.get_by_role("button", name="View as table").click()
    rows = page.get_by_role("region", name="Numbers of this run").locator(
        "table:first-of-type tbody tr"
    )
    cells = [r.locator("td").all_inner_texts() for r in rows.all()]
    assert [int(c[0]) for c in cells] == [s["step"] for s in steps]
    for cell, step in zip(cells, steps):
        assert abs(float(cell[1]) - step["loss"]) < 0.006


def test_bars_to_compare_with(page, lines):
    head, _ = lines
    best = min(r["val_nats_per_char"] for r in head["ladder"] if r["n"] > 0)
    text = page.locator("svg.chart").get_attribute("aria-label")
    shown = float(text.split("counting reaches ")[1].split()[0].rstrip(".;,"))
    assert abs(shown - best) < 0.006
    names = page.locator("svg.chart .reference-name").all_text_contents()
    assert any(name.startswith("counting:") for name in names)
    screenshot(page, "training")


def test_samples_on_the_way(page, lines):
    _, steps = lines
    samples = [step["sample"] for step in steps if step.get("sample")]
    shown = page.locator(".samples p").all_text_contents()
    assert shown == samples[::-1] and samples
