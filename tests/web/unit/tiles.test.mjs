// SPDX-License-Identifier: MIT
// Packed triangles, the pyramid, half floats, combined heads, the cache.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  at,
  bytesOf,
  cells,
  combine,
  encode,
  half,
  halves,
  levelFor,
  pool,
  rowWithoutFirst,
  sizeAt,
  texelOf,
  TileCache,
  withoutFirst,
} from "../../../code/web_interface/js/tiles.js";

/** A small generator with a seed, so that failures can be had again. */
function random(seed) {
  let x = seed;
  return () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return x / 2 ** 32;
  };
}

const firstOf = (i, s, T) => Math.floor((i * T) / s);

test("a packed triangle is read row by row", () => {
  let n = 0;
  for (let i = 0; i < 40; i++) {
    for (let j = 0; j <= i; j++) {
      assert.equal(at(i, j), n++);
    }
  }
  assert.equal(cells(40), n);
});

test("texels cover each token once, as the server cuts them", () => {
  for (const [T, s] of [
    [5, 5],
    [100, 64],
    [513, 512],
    [1000, 64],
    [700, 256],
  ]) {
    for (let i = 0; i < s; i++) {
      for (let t = firstOf(i, s, T); t < firstOf(i + 1, s, T); t++) {
        assert.equal(texelOf(t, s, T), i);
      }
    }
    assert.equal(firstOf(s, s, T), T);
  }
});

test("pooling is the largest of each block of the full square", () => {
  const next = random(7);
  for (const [T, s] of [
    [1, 1],
    [9, 4],
    [70, 64],
    [100, 64],
    [130, 64],
  ]) {
    const full = Array.from({ length: T }, (_, i) =>
      Array.from({ length: T }, (_, j) =>
        j <= i ? Math.floor(256 * next()) : 0,
      ),
    );
    const packed = Uint8Array.from(
      full.flatMap((row, i) => row.slice(0, i + 1)),
    );
    const pooled = pool(packed, T, s);
    for (let i = 0; i < s; i++) {
      for (let j = 0; j <= i; j++) {
        const block = full
          .slice(Math.floor((i * T) / s), Math.floor(((i + 1) * T) / s))
          .flatMap((row) =>
            row.slice(Math.floor((j * T) / s), Math.floor(((j + 1) * T) / s)),
          );
        assert.equal(
          pooled[at(i, j)],
          Math.max(...block),
          `${T} ${s} ${i} ${j}`,
        );
      }
    }
  }
});

test("the level is the finest whose texels the screen can show", () => {
  assert.equal(levelFor(40, 2000), 3); // all levels are alike
  assert.equal(levelFor(100, 2000), 2);
  assert.equal(levelFor(512, 100), 3);
  assert.equal(levelFor(512, 300), 1);
  assert.equal(levelFor(512, 511), 1);
  assert.equal(levelFor(512, 512), 0);
  assert.equal(levelFor(4000, 90000), 0);
  for (const T of [3, 64, 65, 300, 512, 2000]) {
    for (const pixels of [10, 64, 200, 600, 3000]) {
      const s = sizeAt(levelFor(T, pixels), T);
      assert.ok(s <= Math.max(pixels, sizeAt(3, T)));
    }
  }
});

test("half floats: signs, subnormals, the largest, and what is no number", () => {
  const known = [
    [0x0000, 0],
    [0x3c00, 1],
    [0xc000, -2],
    [0x3555, 0.333251953125],
    [0x7bff, 65504],
    [0x0400, 2 ** -14],
    [0x0001, 2 ** -24],
    [0x03ff, 1023 * 2 ** -24],
    [0x7c00, Infinity],
    [0xfc00, -Infinity],
  ];
  for (const [bits, value] of known) {
    assert.equal(half(bits), value);
  }
  assert.ok(Number.isNaN(half(0x7e00)));
  const buffer = new Uint8Array([0x00, 0x3c, 0x01, 0x00]).buffer;
  assert.deepEqual([...halves(buffer)], [1, Math.fround(2 ** -24)]);
});

test("half floats agree with the platform's, all 65,536 of them", (t) => {
  if (typeof Float16Array === "undefined") {
    t.skip("this Node has no Float16Array");
    return;
  }
  const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const theirs = new Float16Array(bits.buffer);
  for (let i = 0; i < 65536; i++) {
    assert.ok(
      Object.is(half(i), theirs[i]) || half(i) === theirs[i],
      String(i),
    );
  }
});

const tile = (s, T, weights, scale = 1) => ({
  s,
  T,
  scale,
  weights: Float32Array.from(weights),
});

test("several heads: their mean and their largest, with their scales", () => {
  const a = tile(2, 2, [1, 0.25, 0.75]);
  const b = tile(2, 2, [1, 0.5, 0.5], 2);
  assert.deepEqual([...combine([a, b], "mean").weights], [1.5, 0.625, 0.875]);
  assert.deepEqual([...combine([a, b], "max").weights], [2, 1, 1]);
});

test("without the first token each row sums to 1 again", () => {
  const full = withoutFirst(tile(3, 3, [1, 0.6, 0.4, 0.9, 0.025, 0.075]));
  const rows = [[0], [0, 1], [0, 0.25, 0.75]];
  rows
    .flat()
    .forEach((x, n) => assert.ok(Math.abs(full.weights[n] - x) < 1e-6));
  const row = rowWithoutFirst([0.9, 0.025, 0.075]);
  [0, 0.25, 0.75].forEach((x, k) => assert.ok(Math.abs(row[k] - x) < 1e-12));
  assert.deepEqual(rowWithoutFirst([1]), [0]);
  // Of pooled texels no sum is known: the rest is 1 - first.
  const pooled = withoutFirst(tile(2, 8, [0.9, 0.5, 0.2]));
  assert.ok(Math.abs(pooled.weights[2] - 0.4) < 1e-6);
});

test("codes are 255 sqrt(p)", () => {
  assert.deepEqual([...encode([0, 0.25, 1])], [0, 128, 255]);
  assert.deepEqual([...encode([0, 2, 8], 8)], [0, 128, 255]);
});

test("base64 of bytes", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  assert.deepEqual(bytesOf(Buffer.from(bytes).toString("base64")), bytes);
  assert.deepEqual(bytesOf(""), new Uint8Array());
});

test("the cache forgets what was used longest ago, never the newest", () => {
  const cache = new TileCache(100);
  cache.set("a", 1, 40);
  cache.set("b", 2, 40);
  assert.equal(cache.get("a"), 1); // now b is the oldest
  cache.set("c", 3, 40);
  assert.equal(cache.get("b"), undefined);
  assert.equal(cache.get("a"), 1);
  assert.equal(cache.bytes, 80);
  cache.set("a", 4, 10);
  assert.equal(cache.bytes, 50);
  cache.set("big", 5, 500);
  assert.equal(cache.get("big"), 5);
  assert.equal(cache.get("a"), undefined);
  cache.clear();
  assert.equal(cache.bytes, 0);
});
