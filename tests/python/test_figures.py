# SPDX-License-Identifier: MIT
"""Drawn figures: as their scripts would draw them now, small, readable without
seeing them, and in colours that have a dark value."""

import pathlib
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = ROOT / "scripts" / "docs" / "figures"
sys.path.insert(0, str(TOOL))

import runner  # noqa: E402
import style  # noqa: E402

SVG = "{http://www.w3.org/2000/svg}"


def test_all_are_new():
    done = subprocess.run(
        [sys.executable, str(TOOL), "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", runner.names())
def test_a_figure_is_small_and_says_what_it_is(name):
    text = runner.target(name).read_text()
    picture = ElementTree.fromstring(text)
    assert picture.get("viewBox").startswith(f"0 0 {style.WIDTH} ")
    assert picture.find(f"{SVG}title").text and picture.find(f"{SVG}desc").text
    assert len(text) < 60_000
    drawn = text[text.index("</style>") :]
    assert not re.search(r"#[0-9a-fA-F]{3,6}\b|rgb\(|<image", drawn)


def a_drawing(colour):
    with style.styled():
        figure, (ax,) = style.new_figure(200)
        ax.plot([1, 2, 3], color=colour)
        ax.text(1, 1, "5 < 6 & $x$", color=style.INK)
        return style.to_svg(figure, "A & B", "a line", "comment")


def test_the_same_data_gives_the_same_file():
    assert a_drawing(style.BLUE) == a_drawing(style.BLUE)


def test_text_is_text_and_colours_are_variables():
    svg = a_drawing(style.BLUE)
    words = ElementTree.fromstring(svg).iter(f"{SVG}text")
    assert "5 < 6 & $x$" in [word.text for word in words]
    assert "stroke: var(--blue)" in svg and "DejaVu" not in svg
    for light, dark in style.VARIABLES.values():
        assert svg.count(light) == svg.count(dark) == 1


def test_a_colour_without_a_dark_value_is_refused():
    with pytest.raises(ValueError, match="#ff00ff"):
        a_drawing("#ff00ff")


def test_another_input_makes_a_figure_old(tmp_path, monkeypatch):
    name = "roofline"
    for path in runner.inputs(name):
        copy = tmp_path / path
        copy.parent.mkdir(parents=True)
        copy.write_bytes((ROOT / path).read_bytes())
    before = runner.digest(name)
    monkeypatch.setattr(runner, "ROOT", tmp_path)
    assert runner.digest(name) == before
    copy.write_bytes(copy.read_bytes() + b"\n")
    assert runner.digest(name) != before and runner.stale([name]) == [name]
    assert not runner.missing([name])
    copy.unlink()
    assert runner.missing([name]) == [(name, path)]


def test_an_unknown_name_is_refused():
    done = subprocess.run(
        [sys.executable, str(TOOL), "nothing"], capture_output=True, text=True
    )
    assert done.returncode == 2 and "expected a figure's name" in done.stderr
