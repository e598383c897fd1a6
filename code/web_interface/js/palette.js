// SPDX-License-Identifier: MIT
//
// 256 colours for each theme on a path in OKLCH: luminance only rises (dark) or
// falls (light), so that all eyes see the order; no two are alike, so that a
// picture can be read back. A picture's byte is its code, 255 sqrt(p); a
// colour's index is 255 p^gamma, the same at gamma = 0.5.

// [place, lightness, chroma, hue in degrees]
const PATHS = {
  light: [
    [0, 0.972, 0.008, 95],
    [0.2, 0.885, 0.055, 165],
    [0.5, 0.68, 0.105, 215],
    [0.78, 0.44, 0.135, 262],
    [1, 0.2, 0.09, 285],
  ],
  dark: [
    [0, 0.225, 0.014, 265],
    [0.22, 0.37, 0.115, 278],
    [0.5, 0.57, 0.13, 248],
    [0.78, 0.79, 0.115, 195],
    [1, 0.97, 0.075, 105],
  ],
};

function srgb(x) {
  const y = x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055;
  return Math.round(255 * Math.min(1, Math.max(0, y)));
}

/** [r, g, b] of an OKLCH colour (Ottosson 2020), clipped to the screen's. */
function oklch(lightness, chroma, hue) {
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    srgb(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    srgb(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    srgb(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

function build(theme) {
  const path = PATHS[theme];
  const colours = [];
  for (let i = 0; i < 256; i++) {
    const t = i / 255;
    const to = Math.max(
      1,
      path.findIndex((stop) => stop[0] >= t),
    );
    const [from, end] = [path[to - 1], path[to]];
    const u = (t - from[0]) / (end[0] - from[0]);
    const mix = (n) => from[n] + u * (end[n] - from[n]);
    colours.push(oklch(mix(1), mix(2), mix(3)));
  }
  return {
    colours,
    // Little-endian: the byte of red comes first in ImageData.
    packed: Uint32Array.from(
      colours,
      ([r, g, b]) => (255 << 24) | (b << 16) | (g << 8) | r,
    ),
    index: new Map(
      colours.map(([r, g, b], i) => [(r << 16) | (g << 8) | b, i]),
    ),
  };
}

const built = {};
const palette = (theme) => (built[theme] ??= build(theme));

/** The [r, g, b] of an index 0..255. */
export const colourAt = (index, theme) => palette(theme).colours[index];

/** The index that has just this colour, or -1. */
export const indexOfColour = (r, g, b, theme) =>
  palette(theme).index.get((r << 16) | (g << 8) | b) ?? -1;

/** The index of a share 0..1, as CSS text. */
export function cssColour(share, theme) {
  const index = Math.round(255 * Math.min(1, Math.max(0, share)));
  return `rgb(${colourAt(index, theme).join(" ")})`;
}

/** WCAG's relative luminance of [r, g, b]. */
export function luminance(rgb) {
  const [r, g, b] = rgb.map((x) => {
    const y = x / 255;
    return y <= 0.04045 ? y / 12.92 : ((y + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Black or white, whichever can be read on the colour of a share: always at
 * least 4.5 : 1. */
export function inkOn(share, theme) {
  const index = Math.round(255 * Math.min(1, Math.max(0, share)));
  return luminance(colourAt(index, theme)) > 0.179 ? "#000" : "#fff";
}

/** Index of each code at a gamma: 255 p^gamma. */
export function gammaTable(gamma) {
  return Uint8Array.from({ length: 256 }, (_, code) =>
    Math.round(255 * (code / 255) ** (2 * gamma)),
  );
}

/** Pixel (as a Uint32Array over ImageData has it) of each code. */
export function pixelTable(gamma, theme) {
  const { packed } = palette(theme);
  return Uint32Array.from(gammaTable(gamma), (index) => packed[index]);
}

export const weightOf = (code) => (code / 255) ** 2;
