// SPDX-License-Identifier: MIT
//
// What people see: colours that grow with surprise, tokens that can be read,
// numbers, and files that a spreadsheet may open.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { MEASURES, entropy, exp32, logSumExp, probabilities, rank, softmax, surprise } from "../../../code/web_interface/js/dist.js";
import { bytes, duration, num, percent, short } from "../../../code/web_interface/js/dom.js";
import { toCSV } from "../../../code/web_interface/js/export.js";
import { plain, spoken, visible } from "../../../code/web_interface/js/tokens.js";

test("levels grow with how unexpected a token is", () => {
  const rising = {
    surprise: (x) => ({ logprob_raw: -x * 12 }),
    probability: (x) => ({ logprob_raw: -x * 12 }),
    rank: (x) => ({ logprob_raw: -1, rank: Math.round(1 + 2000 * x) }),
    entropy: (x) => ({ logprob_raw: -1, entropy: 10 * x }),
  };
  for (const [name, make] of Object.entries(rising)) {
    let last = 0;
    const all = new Set();
    for (let x = 0; x <= 1; x += 0.001) {
      const level = MEASURES[name].level(make(x));
      assert.ok(Number.isInteger(level) && level >= last && level <= 15, `${name} at ${x}`);
      last = level;
      all.add(level);
    }
    assert.ok(last === 15 && all.has(0) && all.size >= 10, `${name}: ${[...all]}`);
  }
  assert.equal(MEASURES.rank.level({ logprob_raw: -1 }), 0);
  assert.equal(MEASURES.entropy.level({ logprob_raw: -1 }), 0);
  assert.equal(surprise(Math.log(0.25)), 2);
});

// The mix of styles.css in the same colour space.
function channel(hex, i) {
  const x = parseInt(hex.slice(1 + 2 * i, 3 + 2 * i), 16) / 255;
  return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
}
const linear = (hex) => [0, 1, 2].map((i) => channel(hex, i));
const luminance = ([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b;
function toOklab([r, g, b]) {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s];
}
function fromOklab([L, a, b]) {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s];
}

test("colours: luminance is monotone and the text on them stays readable", () => {
  const css = readFileSync(new URL("../../../code/web_interface/styles.css", import.meta.url), "utf8");
  const pair = (name) => /light-dark\((#\w+), (#\w+)\)/.exec(css.slice(css.indexOf(`--${name}:`))).slice(1);
  const parts = Array.from({ length: 16 }, (_, n) => Number(new RegExp(`\\.h${n} \\{ --h: (\\d+)%`).exec(css)[1]) / 100);
  for (const theme of [0, 1]) {
    const [ground, heat] = [pair("surface")[theme], pair("heat")[theme]].map((x) => toOklab(linear(x)));
    const ink = luminance(linear(pair("ink")[theme]));
    const steps = parts.map((t) => luminance(fromOklab(ground.map((g, i) => g + t * (heat[i] - g)))));
    for (let i = 0; i < 16; i++) {
      if (i) assert.ok(theme === 0 ? steps[i] < steps[i - 1] : steps[i] > steps[i - 1], `theme ${theme} level ${i}`);
      const [high, low] = [Math.max(ink, steps[i]), Math.min(ink, steps[i])];
      assert.ok((high + 0.05) / (low + 0.05) >= 4.5, `contrast of level ${i} in theme ${theme}`);
    }
  }
});

test("distributions", () => {
  const p = softmax(Float32Array.of(0, Math.log(3), -Infinity));
  for (const q of [p, probabilities(Float32Array.of(0, Math.log(3), -Infinity))]) {
    assert.ok(Math.abs(q[0] - 0.25) < 1e-6 && Math.abs(q[1] - 0.75) < 1e-6 && q[2] === 0);
  }
  assert.ok(Math.abs(entropy(p) - 0.5623351446) < 1e-6);
  assert.ok(Math.abs(logSumExp([0, 0]) - Math.LN2) < 1e-7);
  assert.ok(Math.abs(logSumExp([1000, 1000]) - 1000 - Math.LN2) < 1e-4); // float32
  assert.equal(rank([1, 3, 3, 2], 2), 2);
});

test("the exponential of the server's processor", () => {
  assert.equal(exp32(0), 1);
  assert.equal(exp32(-Infinity), 0);
  assert.equal(exp32(-88.5), 0);
  for (let x = -80; x <= 0; x += 0.0137) {
    const y = Math.fround(x);
    assert.ok(Math.abs(exp32(y) / Math.exp(y) - 1) < 4e-6, `exp(${y})`);
  }
});

test("tokens for people", () => {
  const token = (text) => ({ text, bytes: [...new TextEncoder().encode(text)] });
  assert.equal(visible(token(" the")), "·the");
  assert.equal(visible(token("\n\n")), "↵↵");
  assert.equal(visible(token("a\tb\x07")), "a⇥b<0x07>");
  assert.equal(visible({ text: "\ufffd", bytes: [0xe2, 0x82] }), "<0xE2><0x82>");
  assert.equal(visible({ text: " \ufffd", bytes: [0x20, 0xd7] }), "·<0xD7>");
  assert.equal(spoken({ text: " \ufffd", bytes: [0x20, 0xd7] }), "·<0xD7>");
  assert.equal(visible(token("世")), "世");
  assert.equal(visible({ text: "", bytes: [] }), "∅");
  assert.equal(plain({ text: "", bytes: [0x20, 0x61] }), " a");
  assert.equal(spoken(token(" the")), "the");
  assert.equal(spoken(token("\n ")), "line end space");
});

test("numbers for people", () => {
  assert.equal(percent(0.3123), "31 %");
  assert.equal(percent(0.0312), "3.1 %");
  assert.equal(percent(0.00001), "< 0.01 %");
  assert.equal(percent(0.99999), "> 99.9 %");
  assert.equal(percent(1), "100 %");
  assert.equal(percent(undefined), "–");
  assert.equal(num(0.31234), "0.312");
  assert.equal(num(-2), "−2");
  assert.equal(num(12345.6), "12,346");
  assert.equal(short(134515008), "135 M");
  assert.equal(bytes(91728992), "92 MB");
  assert.equal(duration(83), "83 ms");
  assert.equal(duration(125000), "2:05 min");
});

test("CSV: quoted, and no formula for a spreadsheet", () => {
  const text = toCSV([{ i: 0, token: 'a "b", c\n' }, { i: -1, token: "=1+1" }, { i: null, token: "-x" }]);
  assert.equal(text, 'i,token\r\n0,"a ""b"", c\n"\r\n-1,\'=1+1\r\n,\'-x\r\n');
});
