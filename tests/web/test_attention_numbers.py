# SPDX-License-Identifier: MIT
"""Pictures of attention are read back, colour by colour, and compared with the
exact rows, as are all the other forms in which the server gives them."""

import base64

import numpy as np
import pytest
from looking import (
    HEADS,
    KV_HEADS,
    LAYERS,
    READ_MATRIX,
    READ_SHEET,
    Run,
    codes,
    opened,
    pooled,
)
from support.browser import screenshot


@pytest.fixture(scope="module")
def run(server):
    return Run(server)


def test_rows_sum_to_one(run):
    for layer in range(LAYERS):
        for head in range(HEADS):
            weights = run.weights(layer, head)
            assert np.abs(weights.sum(1) - 1).max() < 1e-5
            assert (weights >= 0).all()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("layer, head", [(0, 0), (1, 3)])
def test_picture_shows_the_exact_rows(visit, server, run, layer, head, theme):
    page = opened(visit, server, run, layer=layer, head=head, theme=theme)
    seen = page.evaluate(READ_MATRIX)
    exact = codes(run.weights(layer, head))
    assert len(seen) == run.length
    for q, row in enumerate(seen):
        assert row[q + 1 :] == [None] * (run.length - q - 1), "the future"
        assert -1 not in row, "a colour that the palette has not"
        assert np.abs(np.array(row[: q + 1]) - exact[q, : q + 1]).max() <= 1
        weights = (np.array(row[: q + 1]) / 255) ** 2
        assert abs(weights.sum() - 1) < 0.004 * (q + 2)
    colours = {x for row in seen for x in row if x is not None}
    assert len(colours) > 20, "a blank picture would pass as well"
    screenshot(page, f"attention-{theme}-{layer}-{head}")


def test_zoomed_picture_shows_the_same(visit, server, run):
    page = opened(visit, server, run, layer=1, head=1, q=60, k=40)
    before = page.evaluate(READ_MATRIX)
    page.locator(".matrix-grid").focus()
    for _ in range(3):
        page.keyboard.press("+")
    box = page.evaluate(
        "document.querySelector('canvas.matrix-picture').matrix.rectOf(60, 40)"
    )
    assert box["w"] > 2 * 640 / run.length, "it did not zoom"
    after = page.evaluate(READ_MATRIX)
    same = [
        (a, b)
        for q, (x, y) in enumerate(zip(before, after))
        for k, (a, b) in enumerate(zip(x, y))
        if b != "out"
    ]
    assert 100 < len(same) < run.length**2 / 2
    assert all(a == b for a, b in same)


def test_contact_sheet_is_the_pooled_exact_rows(visit, server, run):
    headers, raw = run.bytes("thumbs?size=64")
    assert headers["X-Shape"] == f"{LAYERS},{HEADS},64,64"
    raw = raw.reshape(LAYERS, HEADS, 64, 64).astype(float)
    page = opened(visit, server, run, layer=0, head=0)
    tiles = {tile["head"]: tile for tile in page.evaluate(READ_SHEET)}
    assert len(tiles) == LAYERS * HEADS
    for layer in range(LAYERS):
        for head in range(HEADS):
            wanted = codes(pooled(run.weights(layer, head), 64))
            assert np.abs(raw[layer, head] - wanted).max() <= 1
            tile = tiles[f"{layer}.{head}"]
            assert tile["side"] == 64, "a pixel a texel, or this test is none"
            seen = np.array(tile["pixels"], dtype=object).reshape(64, 64)
            for i in range(64):
                for j in range(64):
                    if j <= i:
                        assert abs(seen[i, j] - wanted[i, j]) <= 1
                    else:
                        assert seen[i, j] is None


@pytest.mark.parametrize("level, size", [(0, None), (2, None), (3, 64)])
def test_levels_of_the_pyramid(run, level, size):
    weights = run.weights(1, 2)
    size = size or run.length
    path = f"attention?layer=1&head=2&level={level}&format="
    headers, packed = run.bytes(path + "u8")
    assert int(headers["X-Shape"]) == size
    wanted = pooled(weights, size)[np.tril_indices(size)]
    assert np.abs(packed - codes(wanted)).max() <= 1
    halves = run.bytes(path + "f16")[1].view("<f2").astype(float)
    assert np.abs(halves - wanted).max() < 1e-3


def test_live_rows_are_those_of_the_finished_text(server):
    capture = {"layer": 1, "heads": [0, 3]}
    body = {"model": "tiny", "prompt": "The fox", "max_tokens": 12, "seed": 3}
    status, said = server.post(
        "/api/generate", {**body, "capture": capture, "stream": False}
    )
    assert status == 200, said
    ids = [token["id"] for token in said["prompt"] + said["tokens"]]
    body = {"model": "tiny", "tokens": ids, "layers": "all"}
    status, made = server.post(
        "/api/inspect", {**body, "capture": ["attention"]}
    )
    assert status == 201, made
    for token in said["tokens"]:
        q = len(said["prompt"]) + token["i"] - 1
        assert set(token["attn"]["rows"]) == {"0", "3"}
        for head, text in token["attn"]["rows"].items():
            row = np.frombuffer(base64.b64decode(text), np.uint8).astype(float)
            path = f"/api/runs/{made['run']}/row?layer=1&head={head}&q={q}"
            wanted = codes(np.array(server.get(path)[1]["weights"]))
            assert len(row) == q + 1 and np.abs(row - wanted).max() <= 1


def test_head_scores_are_means_over_exact_rows(run):
    """Over the queries that have a choice: all but the first."""
    status, said = run.server.get(f"/api/runs/{run.id}/heads")
    assert status == 200 and len(said["heads"]) == LAYERS * HEADS
    ids = np.array([token["id"] for token in run.tokens])
    copies = np.tril(ids[:, None] == ids, -1)  # [query, key] of the same token
    after = np.pad(copies, ((0, 0), (1, 0)))[:, :-1]
    for score in said["heads"]:
        weights = run.weights(score["layer"], score["head"])
        rows = weights[1:]
        logs = np.log(np.where(rows > 0, rows, 1))
        q, k = np.indices(weights.shape)
        wanted = {
            "entropy": (-rows * logs).sum(1).mean(),
            "sink": rows[:, 0].mean(),
            "prev": np.diag(weights, -1).mean(),
            "induction": (weights * after).sum(1)[copies.any(1)].mean(),
            "distance": (weights * (q - k)).sum(1)[1:].mean(),
            "kv_group": score["head"] * KV_HEADS // HEADS,
        }
        for name, value in wanted.items():
            assert abs(score[name] - value) <= 1e-4 * (1 + value), name
