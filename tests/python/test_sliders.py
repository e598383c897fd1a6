# SPDX-License-Identifier: MIT
"""The sliders of the notebooks: they call the figure's function, and without
ipywidgets a line says what to do."""

import sys

import matplotlib.figure
import pytest
from mlx_llm_tutorial import course


def test_without_ipywidgets_a_line_says_so(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    course.sliders(pytest.fail, layer=(0, 3), head=(0, 8))
    said = capsys.readouterr().out
    assert "ipywidgets" in said and "layer, head" in said


def test_each_choice_has_its_control():
    widgets = pytest.importorskip("ipywidgets")
    head = course.control(widgets, "head", (0, 8))
    assert (head.min, head.max, head.value) == (0, 8, 0)
    assert isinstance(head, widgets.IntSlider) and not head.continuous_update
    top_p = course.control(widgets, "top_p", (0.05, 1.0, 0.9))
    assert isinstance(top_p, widgets.FloatSlider)
    assert top_p.value == 0.9 and top_p.description == "top p"
    menu = course.control(widgets, "country", ["Italy", "Spain"])
    assert menu.value == "Italy" and menu.options == ("Italy", "Spain")
    assert course.control(widgets, "text", "Lily").value == "Lily"


def test_a_slider_draws_again(monkeypatch):
    widgets = pytest.importorskip("ipywidgets")
    shown, calls = [], []
    monkeypatch.setattr("IPython.display.display", shown.append)

    def draw(layer, name):
        calls.append((layer, name))
        if layer == 1:
            raise ValueError("no layer 1")
        return matplotlib.figure.Figure(figsize=(layer, 1))

    course.sliders(draw, layer=(0, 3, 2), name=["a", "b"])
    layer, name, message, picture = shown[0].children
    before = picture.value
    assert before.startswith(b"\x89PNG") and calls == [(2, "a")]
    layer.value = 3
    name.value = "b"
    assert calls[1:] == [(3, "a"), (3, "b")] and picture.value != before
    layer.value = 1
    assert message.value == "ValueError: no layer 1"
    layer.value = 2
    assert message.value == "" and isinstance(picture, widgets.Image)
