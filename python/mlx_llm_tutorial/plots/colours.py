# SPDX-License-Identifier: MIT
"""The colours of the web page's light theme (code/web_interface), so that page
and notebooks look like one family. All of them keep apart for colour-blind
readers: scales change in lightness alone one way, and the colours of series
differ under simulated protanopia, deuteranopia and tritanopia as well."""

import numpy as np
from matplotlib.colors import ListedColormap

# Names and values of styles.css.
INK = "#1e1d1a"
INK_2 = "#4f4b44"
INK_3 = "#69645b"
SURFACE = "#ffffff"
SUNKEN = "#f3f1ec"
LINE = "#e6e2da"
EDGE = "#87827a"
ACCENT = "#2f4bb8"
ACCENT_SOFT = "#e9edfb"
HEAT = "#f0984a"
HEAT_LINE = "#b4560b"
COOL = "#3b6fd4"
GOOD = "#1f6f43"
BAD = "#b3261e"

# One for each run or group; at least 3 : 1 on white.
SERIES = [COOL, HEAT_LINE, "#1a9e77", "#74205f", "#c9559a", INK]

# [place, lightness, chroma, hue in degrees], as in palette.js.
SCALE_PATH = [
    (0, 0.972, 0.008, 95),
    (0.2, 0.885, 0.055, 165),
    (0.5, 0.68, 0.105, 215),
    (0.78, 0.44, 0.135, 262),
    (1, 0.2, 0.09, 285),
]
# From white to HEAT.
HEAT_PATH = [(0, 1, 0, 59.524), (1, 0.75554, 0.1403, 59.524)]


def oklch(lightness, chroma, hue):
    """sRGB [n, 3] of OKLCH colours (Ottosson 2020), clipped to the screen's."""
    a = chroma * np.cos(np.deg2rad(hue))
    b = chroma * np.sin(np.deg2rad(hue))
    l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
    linear = np.stack(
        [
            4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
            -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
            -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
        ],
        axis=-1,
    ).clip(0, 1)
    return np.where(
        linear <= 0.0031308,
        12.92 * linear,
        1.055 * linear ** (1 / 2.4) - 0.055,
    )


def _scale(path, name):
    places, *stops = np.array(path, dtype=float).T
    t = np.linspace(0, 1, 256)
    colours = oklch(*(np.interp(t, places, stop) for stop in stops))
    return ListedColormap(colours, name=name).with_extremes(bad=SURFACE)


SCALE = _scale(SCALE_PATH, "course")  # weights, probabilities, distances
HEAT_SCALE = _scale(HEAT_PATH, "course-heat")  # surprise


def luminance(rgb):
    """WCAG's relative luminance of sRGB colours [..., 3 or 4]."""
    x = np.asarray(rgb, dtype=float)[..., :3]
    linear = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def ink_on(rgb):
    """Black or white, whichever can be read on a colour: at least 4.5 : 1."""
    return "#000000" if luminance(rgb) > 0.179 else "#ffffff"
