# SPDX-License-Identifier: MIT
"""The logit lens: its cells say what the server says, in words and colours."""

import math
import re

import pytest
from looking import LAYERS, Run
from steps import is_percent, visible
from support.browser import screenshot

READ = """async () => {
  const { indexOfColour } = await import("/app/js/palette.js");
  const theme = document.documentElement.dataset.theme;
  const rows = [...document.querySelectorAll(".lens-table tbody tr")];
  return rows.map((row) => [...row.querySelectorAll("td")].map((td) => {
    const [r, g, b] = td.style.backgroundColor.match(/\\d+/g).map(Number);
    return {
      text: td.textContent,
      label: td.getAttribute("aria-label"),
      index: indexOfColour(r, g, b, theme),
      next: td.classList.contains("is-next"),
    };
  }));
}"""


@pytest.fixture(scope="module")
def run(server):
    return Run(server)


@pytest.fixture(scope="module")
def lens(run):
    first = run.length - 32
    path = f"/api/runs/{run.id}/lens?from={first}&to={run.length}&top_k=5"
    status, lens = run.server.get(path)
    assert status == 200, lens
    return lens


def opened(visit, server, run, **options):
    page = visit(server, f"#/layers?run={run.id}", **options)
    page.locator(".lens-table td").first.wait_for()
    return page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_cells(visit, server, run, lens, theme):
    page = opened(visit, server, run, color_scheme=theme)
    rows = page.evaluate(READ)
    assert len(rows) == LAYERS + 1 == len(lens["layers"])
    for cells, layer in zip(reversed(rows), lens["layers"]):
        assert len(cells) == 32
        for cell, wanted in zip(cells, layer["positions"]):
            best = wanted["top"][0]
            assert cell["text"] == visible(best["text"])
            assert abs(cell["index"] - 255 * best["p"] ** 0.5) <= 1
            said = re.search(r" (\S+ ?\S* %)", cell["label"])[1]
            assert is_percent(said.split(" ", 1)[-1], best["p"]) or is_percent(
                said, best["p"]
            )
            assert cell["label"].endswith(f"rank {wanted['rank_final']}")
            after = wanted["pos"] + 1
            if after < run.length:
                assert cell["next"] == (run.tokens[after]["id"] == best["id"])
    screenshot(page, f"layers-{theme}")


def test_the_last_layer_is_the_model(lens, run):
    """Its favourite is at rank 1, and it is no distance from itself."""
    for cell in lens["layers"][-1]["positions"]:
        assert cell["rank_final"] == 1 and abs(cell["kl"]) < 1e-6
    assert any(cell["kl"] > 0.01 for cell in lens["layers"][0]["positions"])


def test_colour_by_the_other_measures(visit, server, run, lens):
    page = opened(visit, server, run)
    page.get_by_role("radio", name="KL to the output").check()
    rows = page.evaluate(READ)
    for cells, layer in zip(reversed(rows), lens["layers"]):
        for cell, wanted in zip(cells, layer["positions"]):
            share = math.log1p(max(0, wanted["kl"])) / math.log1p(50)
            assert abs(cell["index"] - 255 * min(1, share)) <= 1
    page.get_by_role("radio", name="Rank of the final token").check()
    top = page.evaluate(READ)[0]
    assert all(cell["index"] == 255 for cell in top)


def test_five_likeliest_of_the_cell_in_focus(visit, server, run, lens):
    page = opened(visit, server, run)
    page.locator(".lens-table tbody tr").nth(1).locator("td").nth(4).click()
    wanted = lens["layers"][-2]["positions"][4]
    rows = page.locator(".lens-detail .row-bar")
    assert rows.count() == 5
    for n, token in enumerate(wanted["top"]):
        words = rows.nth(n).locator("span").all_inner_texts()
        assert words[0] == visible(token["text"])
        assert is_percent(words[-1], token["p"])
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.cellIndex") == 6


def test_earlier_positions(visit, server, run):
    page = opened(visit, server, run)
    page.get_by_role("button", name="Earlier positions").click()
    first = run.length - 64
    page.get_by_text(f"positions {first}–{first + 31}").wait_for()
    assert f"from={first}" in page.url
