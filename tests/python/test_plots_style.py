# SPDX-License-Identifier: MIT
"""All plots: readable in print, in colours that colour-blind people can tell
apart, the page's colours, and the same in every notebook."""

import itertools
import json
import pathlib
import re
import subprocess
import sys
import warnings

import matplotlib.style
import numpy as np
import playwright
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from plot_figures import EXAMPLES, ROOT, assert_readable, plots

colours = plots.colours

PAGE = ROOT / "code" / "web_interface"


# --- the page's colours ------------------------------------------------------


def test_the_colours_are_those_of_the_page():
    css = (PAGE / "styles.css").read_text()
    light = dict(re.findall(r"--([a-z0-9-]+): light-dark\((#[0-9a-f]{6})", css))
    names = "ink ink-2 ink-3 surface sunken line edge accent accent-soft heat"
    for name in [*names.split(), "heat-line", "cool", "good", "bad"]:
        constant = getattr(colours, name.upper().replace("-", "_"))
        assert constant == light[name], name


def test_the_scale_is_that_of_the_page():
    """All 256 colours as the page's own script makes them."""
    script = (PAGE / "js" / "palette.js").as_uri()
    code = (
        f"import({json.dumps(script)}).then((m) =>"
        " console.log(JSON.stringify(Array.from({length: 256},"
        " (_, i) => m.colourAt(i, 'light')))))"
    )
    node = pathlib.Path(playwright.__file__).parent / "driver" / "node"
    made = json.loads(subprocess.check_output([node, "-e", code], timeout=60))
    ours = 255 * colours.SCALE(np.arange(256))[:, :3]
    np.testing.assert_allclose(ours, made, atol=0.51)


def test_surprise_goes_from_white_to_the_colour_of_data():
    ends = colours.HEAT_SCALE([0.0, 1.0])[:, :3]
    wanted = [to_rgb(colours.SURFACE), to_rgb(colours.HEAT)]
    np.testing.assert_allclose(255 * ends, 255 * np.array(wanted), atol=0.51)


# --- eyes --------------------------------------------------------------------

# Machado, Oliveira and Fernandes 2009, severity 1, for linear RGB.
SIMULATED = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def lab(colour, eyes):
    """CIE L*a*b* (D65) of an sRGB colour as these eyes see it."""
    x = np.array(to_rgb(colour))
    linear = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.array(SIMULATED[eyes]) @ linear, 0, 1)
    to_xyz = [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
    t = np.array(to_xyz) @ linear / [0.95047, 1, 1.08883]
    f = np.where(t > 216 / 24389, np.cbrt(t), (24389 / 27 * t + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_the_simulation_by_known_values():
    # White and its Lab; red and green, which protanopes confuse.
    assert lab("#ffffff", "normal") == pytest.approx([100, 0, 0], abs=0.02)
    assert lab("#ff0000", "normal") == pytest.approx(
        [53.24, 80.09, 67.20], abs=0.05
    )
    near = np.linalg.norm(
        lab("#b45a0b", "protanopia") - lab("#7a6a00", "protanopia")
    )
    far = np.linalg.norm(lab("#b45a0b", "normal") - lab("#7a6a00", "normal"))
    assert near < far / 2


@pytest.mark.parametrize("eyes", SIMULATED)
def test_series_are_told_apart(eyes):
    """A difference of 2.3 can just be seen; 15 cannot be overlooked."""
    for a, b in itertools.combinations(colours.SERIES, 2):
        assert np.linalg.norm(lab(a, eyes) - lab(b, eyes)) > 15, (a, b)


@pytest.mark.parametrize("eyes", SIMULATED)
@pytest.mark.parametrize("scale", [colours.SCALE, colours.HEAT_SCALE])
def test_scales_have_one_direction(scale, eyes):
    steps = scale(np.linspace(0, 1, 33))
    lightness = [lab(colour, eyes)[0] for colour in steps]
    assert np.all(np.diff(lightness) < -0.2)


def contrast(a, b):
    light, dark = sorted(map(colours.luminance, (a, b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast():
    for colour in colours.SERIES:
        assert contrast(to_rgb(colour), (1, 1, 1)) > 3, colour
    for scale in (colours.SCALE, colours.HEAT_SCALE):
        for colour in scale(np.linspace(0, 1, 64)):
            ink = colours.ink_on(colour)
            assert contrast(colour, to_rgb(ink)) > 4.5
    for colour in colours.HEAT_SCALE(np.linspace(0, 1, 64)):
        assert contrast(colour, to_rgb(colours.INK)) > 7


# --- every figure ------------------------------------------------------------


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_figure_is_readable(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a glyph that no font has
        figure = EXAMPLES[name]("What this picture shows")
        assert isinstance(figure, Figure)
        assert_readable(figure)


def hostile():
    """What a notebook may have set, by a dark theme and by hand."""
    options = {"savefig.facecolor": "black", "savefig.transparent": True}
    options |= {"axes.unicode_minus": False, "font.size": 20}
    return matplotlib.style.context(["dark_background", options])


def pixels(figure):
    figure.set_dpi(40)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.array(canvas.buffer_rgba())


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_dark_theme_changes_nothing(name):
    plain = pixels(EXAMPLES[name](None))
    with hostile():  # made and drawn, since some is looked up late
        dark = pixels(EXAMPLES[name](None))
        assert matplotlib.rcParams["text.color"] == "white"
    np.testing.assert_array_equal(dark, plain)
    assert plain[0, 0].tolist() == [255] * 4  # light, and not transparent
    assert plain[..., :3].min() < 100


def test_a_dark_theme_changes_no_file(tmp_path):
    figure = EXAMPLES["head"](None)
    plain = figure._repr_png_()
    with hostile():
        assert figure._repr_png_() == plain
        figure.savefig(tmp_path / "head.png")
    assert (tmp_path / "head.png").read_bytes() == plain
    figure.savefig(tmp_path / "head.pdf")
    assert (tmp_path / "head.pdf").read_bytes()[:4] == b"%PDF"


def test_pyplot_is_left_alone(tmp_path):
    """Nothing is shown, opened or made current, and no backend is chosen."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'python')!r})\n"
        "from mlx_llm_tutorial import plots\n"
        "figure = plots.head([[1.0]], ['a'])\n"
        "figure.savefig(sys.argv[1])\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "assert 'IPython' not in sys.modules\n"
        "import matplotlib; matplotlib.use('agg')\n"
        "import matplotlib.pyplot as plt\n"
        "mine = plt.figure(); plots.head([[1.0]], ['a'])\n"
        "assert plt.gcf() is mine and len(plt.get_fignums()) == 1\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "head.png"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_all_names_are_there():
    assert all(hasattr(plots, name) for name in plots.__all__)
    for name in plots.__all__:
        assert getattr(plots, name).__doc__, name
