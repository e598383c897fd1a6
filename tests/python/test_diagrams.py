# SPDX-License-Identifier: MIT
"""The diagrams of shapes: as the generator draws them, without collisions with
the frame, and with the numbers that the library computes."""

import math
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as xml

import mlx.core as mx
import mlx_llm_tutorial as llm
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = ROOT / "scripts/docs/figures/shapes.py"
sys.path.insert(0, str(TOOL.parent))

import shapes  # noqa: E402
from diagrams import attention, positions, writing  # noqa: E402

SVG = "{http://www.w3.org/2000/svg}"


def test_the_files_are_what_is_drawn():
    done = subprocess.run(
        [sys.executable, TOOL, "--check"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_an_old_file_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(shapes, "FOLDER", tmp_path / "public/docs/figures")
    assert shapes.main(["mask"]) == 0
    assert shapes.main(["--check", "mask"]) == 0
    file = tmp_path / "public/docs/figures/mask.svg"
    file.write_text(file.read_text() + " ")
    assert shapes.main(["--check", "mask"]) == 1
    assert "public/docs/figures/mask.svg: expected" in capsys.readouterr().out
    assert shapes.main(["nope"]) == 2


@pytest.mark.parametrize("name", shapes.DIAGRAMS)
def test_nothing_leaves_the_frame(name):
    """Numbers of all elements; of texts the place where they are anchored."""
    figure = shapes.DIAGRAMS[name]()
    root = xml.fromstring(figure.file())
    for node in root.iter():
        x = float(node.get("x", node.get("cx", 0)))
        y = float(node.get("y", node.get("cy", 0)))
        right = x + float(node.get("width", 0) or 0)
        bottom = y + float(node.get("height", 0) or 0)
        assert 0 <= x and right <= 760, (node.tag, node.text)
        assert 0 <= y and bottom <= figure.height, (node.tag, node.text)
        for pair in (node.get("points") or "").split():
            px, py = map(float, pair.split(","))
            assert 0 <= px <= 760 and 0 <= py <= figure.height


@pytest.mark.parametrize("name", shapes.DIAGRAMS)
def test_colours_are_named_and_words_are_there(name):
    text = shapes.DIAGRAMS[name]().file()
    body = text.split("</style>")[1]
    assert not re.search(r"#[0-9a-f]{3,6}", body)  # dark ones would be missing
    root = xml.fromstring(text)
    for tag in ("title", "desc"):
        assert len(root.find(SVG + tag).text) > 5


def test_the_head_is_the_librarys():
    _, weights, out = attention.head_numbers()
    q = 4 * math.sqrt(3) * mx.array(attention.QUERIES)[None, None]
    k = mx.array(attention.KEYS)[None, None]
    v = mx.array(attention.VALUES)[None, None]
    theirs = llm.nn.attention_weights(q, k)[0, 0]
    assert mx.allclose(mx.array(weights), theirs, atol=1e-5)
    found = llm.nn.causal_attention(q, k, v)[0, 0]
    assert mx.allclose(mx.array(out), found, atol=1e-5)


def test_the_chain_is_the_librarys():
    settings = dict(top_k=6, top_p=0.95, min_p=0.2, temperature=0.7)
    stages = llm.make_chain(**settings)
    logits = mx.array(list(writing.LOGITS.values()))
    names = [name for name, _ in writing.chain()][1:]
    assert names == [
        f"{s.name} {settings[s.name.replace('-', '_')]}" for s in stages
    ]
    for stage, (_, drawn) in zip(stages, writing.chain()[1:]):
        logits = stage.apply(logits)
        p = mx.softmax(logits)
        assert mx.allclose(mx.array(writing.softmax(drawn)), p, atol=1e-5)


def test_the_angles_are_those_of_rope():
    position, dims = 6, 8
    ones = mx.concatenate([mx.ones(dims // 2), mx.zeros(dims // 2)])
    turned = llm.nn.rope(ones[None, None, None], start=position)[0, 0, 0]
    angles = positions.pair_angles(position, dims, 10000)
    for i, angle in enumerate(angles):  # the pair (i, i + D / 2) was (1, 0)
        assert turned[i].item() == pytest.approx(math.cos(angle), abs=1e-5)
        pair = turned[i + dims // 2].item()
        assert pair == pytest.approx(math.sin(angle), abs=1e-5)


@pytest.mark.parametrize("window", [0, 3])
def test_the_masks_are_those_of_attention(window):
    """What a query takes from one-hot values is where it looks."""
    n = 8
    q = mx.zeros((1, 1, n, n))
    values = mx.eye(n)[None, None]
    found = llm.nn.causal_attention(q, q, values, window=window)[0, 0]
    for i in range(n):
        for j in range(n):
            seen = found[i, j].item() > 1e-6
            assert seen == attention.sees(i, j, window)
