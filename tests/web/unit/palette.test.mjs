// SPDX-License-Identifier: MIT
// Colours of pictures: order, and the way back from a pixel to a number.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  colourAt,
  gammaTable,
  indexOfColour,
  inkOn,
  luminance,
  pixelTable,
  weightOf,
} from "../../../code/web_interface/js/palette.js";

const codeOf = (p) => Math.round(255 * Math.sqrt(p));
const all = Array.from({ length: 256 }, (_, i) => i);

for (const [theme, sign] of [
  ["light", -1],
  ["dark", 1],
]) {
  test(`${theme}: luminance goes one way only, over a wide range`, () => {
    const light = all.map((i) => luminance(colourAt(i, theme)));
    for (let i = 1; i < 256; i++) {
      assert.ok(sign * (light[i] - light[i - 1]) > 0, `step ${i}`);
    }
    const [low, high] = [Math.min(...light), Math.max(...light)];
    assert.ok((high + 0.05) / (low + 0.05) > 12);
  });

  test(`${theme}: every colour is of one index`, () => {
    for (const i of all) {
      assert.equal(indexOfColour(...colourAt(i, theme), theme), i);
    }
    assert.equal(indexOfColour(1, 254, 3, theme), -1);
  });

  test(`${theme}: text on any colour has 4.5 : 1`, () => {
    for (const i of all) {
      const ink = inkOn(i / 255, theme) === "#000" ? 0 : 1;
      const ground = luminance(colourAt(i, theme));
      const [low, high] = [Math.min(ink, ground), Math.max(ink, ground)];
      assert.ok((high + 0.05) / (low + 0.05) >= 4.5, `index ${i}`);
    }
  });

  test(`${theme}: also for those who see no red or no green`, () => {
    // Viénot, Brettel and Mollon 1999: a dichromat's colours from linear sRGB.
    const linear = (x) =>
      x / 255 <= 0.04045 ? x / 255 / 12.92 : ((x / 255 + 0.055) / 1.055) ** 2.4;
    const protan = ([r, g, b]) => [
      0.11238 * r + 0.88762 * g,
      0.11238 * r + 0.88762 * g,
      0.00401 * r - 0.00401 * g + b,
    ];
    const deutan = ([r, g, b]) => [
      0.29275 * r + 0.70725 * g,
      0.29275 * r + 0.70725 * g,
      -0.02234 * r + 0.02234 * g + b,
    ];
    for (const see of [protan, deutan]) {
      const light = all.map((i) => {
        const [r, g, b] = see(colourAt(i, theme).map(linear));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      });
      // Steps may be uneven there, tens of steps must keep their order.
      for (let i = 16; i < 256; i++) {
        assert.ok(sign * (light[i] - light[i - 16]) > 0, `step ${i}`);
      }
    }
  });
}

test("gamma 0.5 shows a code as its own index; other gammas keep the order", () => {
  assert.deepEqual([...gammaTable(0.5)], all);
  for (const gamma of [0.15, 0.3, 1]) {
    const table = gammaTable(gamma);
    assert.equal(table[0], 0);
    assert.equal(table[255], 255);
    for (let i = 1; i < 256; i++) {
      assert.ok(table[i] >= table[i - 1]);
    }
  }
});

test("a pixel gives back the weight to within the code's step", () => {
  const table = pixelTable(0.5, "light");
  for (const p of [0, 1e-6, 0.001, 0.02, 0.3, 0.75, 1]) {
    const bytes = new Uint8Array(Uint32Array.of(table[codeOf(p)]).buffer);
    const index = indexOfColour(bytes[0], bytes[1], bytes[2], "light");
    assert.equal(bytes[3], 255);
    assert.ok(
      Math.abs(Math.sqrt(weightOf(index)) - Math.sqrt(p)) <= 0.5 / 255 + 1e-12,
    );
  }
});
