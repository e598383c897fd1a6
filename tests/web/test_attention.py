# SPDX-License-Identifier: MIT
"""The attention view in use: by keyboard, pointer and address."""

import json
import re

import numpy as np
import pytest
from looking import KV_HEADS, READ_MATRIX, Run, codes, opened, wait_for_picture
from support.browser import screenshot, wait_for


@pytest.fixture(scope="module")
def run(server):
    return Run(server)


def params(page):
    return dict(re.findall(r"(\w+)=([^&#]*)", page.url.split("#")[1]))


def test_table_says_the_exact_numbers(visit, server, run):
    page = opened(visit, server, run, layer=1, head=2, q=30)
    page.locator(".matrix-grid").focus()
    page.keyboard.press("t")
    table = page.get_by_role("region", name="The row as a table")
    rows = table.locator("tbody tr")
    rows.first.wait_for()
    weights = run.row(1, 2, 30)["weights"]
    shown = [
        [float(x) for x in re.findall(r"\d*\.\d+(?:e-?\d+)?", text)]
        for text in rows.all_inner_texts()
    ]
    for weight in sorted(weights, reverse=True)[:5]:
        assert any(
            abs(x - weight) <= 0.005 * weight or abs(x - 100 * weight) <= 0.5
            for row in shown
            for x in row
        ), (weight, shown[:5])


def test_keys_move_cell_head_and_layer(visit, server, run):
    page = opened(visit, server, run, layer=0, head=0, q=20, k=10)
    grid = page.locator(".matrix-grid")
    grid.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    wait_for(page, "location.hash.includes('q=21')")
    page.keyboard.press("]")
    wait_for(page, "location.hash.includes('head=1')")
    page.keyboard.press("}")
    wait_for(page, "location.hash.includes('layer=1')")
    page.keyboard.press("[")
    wait_for(page, "location.hash.includes('head=0')")
    summary = page.locator("canvas.matrix-picture").get_attribute("aria-label")
    assert "layer 1" in summary.lower() and "head 0" in summary.lower()


def test_summary_says_what_row_says(visit, server, run):
    page = opened(visit, server, run, layer=1, head=1, q=40, k=39)
    weight = run.row(1, 1, 40)["weights"][39]
    wait_for(
        page,
        "document.querySelector('canvas.matrix-picture')"
        ".getAttribute('aria-label').match(/[0-9]/)",
    )
    label = page.locator("canvas.matrix-picture").get_attribute("aria-label")
    numbers = [float(x) for x in re.findall(r"\d+\.\d+(?:e-?\d+)?", label)]
    assert any(abs(x - weight) < 0.006 for x in numbers), (label, weight)


def test_groups_of_query_heads_are_marked(visit, server, run):
    page = opened(visit, server, run)
    marks = page.locator(".sheet-bracket").all_inner_texts()
    assert marks == [f"KV {n}" for n in range(KV_HEADS)]


def test_sorting_by_a_score(visit, server, run):
    page = opened(visit, server, run)
    page.get_by_label("Sort").select_option("sink")
    heads = server.get(f"/api/runs/{run.id}/heads")[1]["heads"]
    heads.sort(key=lambda score: -score["sink"])
    wait_for(page, "location.hash.includes('sort=sink')")
    shown = page.evaluate(
        "[...document.querySelectorAll('.sheet-head')].map(b => b.dataset.head)"
    )
    assert shown == [f"{score['layer']}.{score['head']}" for score in heads]


def test_a_head_of_the_sheet_is_shown(visit, server, run):
    page = opened(visit, server, run, layer=0, head=0)
    page.locator("[data-head='1.2']").click()
    wait_for(page, "location.hash.includes('layer=1')")
    assert params(page)["head"] == "2"
    seen = None
    for _ in range(50):
        seen = page.evaluate(READ_MATRIX)
        if abs(seen[50][0] - codes(run.weights(1, 2))[50, 0]) <= 1:
            break
        page.wait_for_timeout(50)
    exact = codes(run.weights(1, 2))
    assert all(abs(seen[q][q] - exact[q, q]) <= 1 for q in range(run.length))


def test_writing_live_adds_rows(visit, server, run):
    page = opened(visit, server, run, layer=1, head=0)
    page.get_by_role("button", name="Write live").click()
    wait_for(
        page,
        "document.querySelector('.matrix-grid').ariaRowCount !== "
        f"'{run.length}'",
    )
    wait_for(
        page, "Number(document.querySelector('.matrix-grid').ariaRowCount) > 20"
    )
    screenshot(page, "attention-live")


def test_own_text(visit, server):
    page = visit(server, "#/attention")
    box = page.get_by_label("Your own text")
    box.fill("The fox saw the fox saw the fox.")
    page.get_by_role("button", name="Look inside").click()
    wait_for_picture(page)
    assert page.evaluate(
        "document.querySelector('canvas.matrix-picture').matrix.T"
    ) == len("The fox saw the fox saw the fox.")


def test_link_opens_the_same_again(visit, server, run):
    page = opened(visit, server, run, layer=1, head=3, q=25, k=7)
    again = visit(server, page.url[page.url.index("#") :])
    wait_for_picture(again)
    assert params(again)["q"] == "25" and params(again)["head"] == "3"
    assert again.evaluate(READ_MATRIX) == page.evaluate(READ_MATRIX)


@pytest.mark.parametrize(
    "label, kind",
    [
        ("Picture (PNG)", b"\x89PNG"),
        ("Arcs (SVG)", b"<svg"),
        ("Row (CSV)", b""),
        ("Row (JSON)", b"{"),
    ],
)
def test_export(visit, server, run, label, kind, tmp_path):
    page = opened(visit, server, run, layer=1, head=0, q=30)
    page.get_by_role("button", name="Export").first.click()
    with page.expect_download() as download:
        page.get_by_role("button", name=label).click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    data = file.read_bytes()
    assert data.startswith(kind) and len(data) > 100
    if kind == b"{":
        weights = [cell["weight"] for cell in json.loads(data)["row"]]
        assert (
            np.abs(weights - np.array(run.row(1, 0, 30)["weights"])).max() == 0
        )
