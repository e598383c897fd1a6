// SPDX-License-Identifier: MIT
// The pure parts of the views: orders, names of patterns, merged lists, totals.

import assert from "node:assert/strict";
import { test } from "node:test";

const js = "../../../code/web_interface/js/";
const { fitting, ranked, rowData } = await import(`${js}arcs.js`);
const { niceTop } = await import(`${js}bypos.js`);
const { deltas, stretches, totals } = await import(`${js}differ.js`);
const { body, describe } = await import(`${js}edits.js`);
const { patternsOf, sorted } = await import(`${js}heads.js`);
const { COLOURS } = await import(`${js}lens.js`);
const { LiveRows } = await import(`${js}live.js`);
const { merged } = await import(`${js}whatif.js`);

const head = (layer, head, more) => ({
  layer,
  head,
  entropy: 1,
  sink: 0,
  prev: 0,
  induction: 0,
  distance: 5,
  ...more,
});

test("heads: by layer, or by a score with the strongest first", () => {
  const heads = [
    head(1, 0, { prev: 0.2, entropy: 0.1 }),
    head(0, 1, { prev: 0.9 }),
    head(0, 0, { prev: 0.5, entropy: 3 }),
  ];
  const names = (by) => sorted(heads, by).map((x) => `${x.layer}.${x.head}`);
  assert.deepEqual(names("layer"), ["0.0", "0.1", "1.0"]);
  assert.deepEqual(names("prev"), ["0.1", "0.0", "1.0"]);
  assert.deepEqual(names("entropy"), ["1.0", "0.1", "0.0"]);
  assert.deepEqual(names("nonsense"), names("layer"));
});

test("patterns: only what a head shows clearly", () => {
  const letters = (x, T = 64) =>
    patternsOf(head(0, 0, x), T)
      .map(([l]) => l)
      .join("");
  assert.equal(letters({}), "");
  assert.equal(letters({ prev: 0.8 }), "P");
  assert.equal(letters({ prev: 0.5, induction: 0.4 }), "PI");
  assert.equal(letters({ sink: 0.9 }), "S");
  assert.equal(letters({ entropy: 3 }), "B"); // ln 64 - 1 = 3.16
  assert.equal(letters({ entropy: 3 }, 8), ""); // too short to say
});

test("rows: keys by weight, labels that do not touch, all the numbers", () => {
  assert.deepEqual(
    ranked([0.1, 0, 0.9]).map((x) => x.k),
    [2, 0],
  );
  assert.deepEqual(fitting([50, 55, 80, 66, 200], 15), [50, 80, 200]);
  const row = { values: [0.25, 0.75], weights: [0.5, 0.5], norms: [1, 3] };
  const tokens = [{ text: "a" }, { text: " b" }];
  assert.deepEqual(rowData(row, tokens)[1], {
    position: 1,
    token: "·b",
    weight: 0.5,
    value_norm: 3,
    shown: 0.75,
  });
});

test("an axis ends at 1, 2 or 5 times a power of ten", () => {
  assert.equal(niceTop([0.3, -1.7]), 2);
  assert.equal(niceTop([4.2]), 5);
  assert.equal(niceTop([0.0007]), 0.001);
  assert.ok(niceTop([0, null]) > 0);
});

const token = (id, logprob_raw) => ({ id, text: String(id), logprob_raw });

test("comparison: totals, and differences of tokens in common", () => {
  const { sum, mean, perplexity } = totals([token(1, -1), token(2, -3)]);
  assert.deepEqual([sum, mean], [-4, -2]);
  assert.ok(Math.abs(perplexity - Math.exp(2)) < 1e-12);
  assert.ok(Number.isNaN(totals([]).mean));
  const list = deltas(
    [token(1, -1), token(2, -3), token(9, -1)],
    [token(1, -2), token(7, -1), token(9, -0.5)],
  );
  assert.deepEqual(
    list.map((x) => [x.i, x.delta]),
    [
      [0, -1],
      [2, 0.5],
    ],
  );
});

test("two texts: stretches that only one of them has", () => {
  const a = [token(1), token(2), token(3), token(4)];
  const b = [token(1), token(9), token(3), token(4), token(5)];
  assert.deepEqual(stretches([a, b], true), [
    [
      ["1", false],
      ["2", true],
      ["34", false],
    ],
    [
      ["1", false],
      ["9", true],
      ["34", false],
      ["5", true],
    ],
  ]);
  // While they grow: all after the first difference.
  assert.deepEqual(stretches([a, b], false), [
    [
      ["1", false],
      ["234", true],
    ],
    [
      ["1", false],
      ["9345", true],
    ],
  ]);
  assert.deepEqual(stretches([a.slice(0, 1), b], false), [
    [["1", false]],
    [
      ["1", false],
      ["9345", true],
    ],
  ]);
  assert.deepEqual(stretches([[], a], false), [[], [["1234", true]]]);
});

test("before and after: one list, unknown is not zero", () => {
  const list = merged(
    [
      { id: 1, text: "a", p: 0.7 },
      { id: 2, text: "b", p: 0.2 },
    ],
    [{ id: 2, text: "b", p: 0.9 }],
  );
  assert.deepEqual(
    list.map((x) => [x.id, x.before, x.after]),
    [
      [2, 0.2, 0.9],
      [1, 0.7, null],
    ],
  );
});

test("interventions: for people, and as the server takes them", () => {
  const off = { type: "scale_head", layer: 3, head: 5, by: 0 };
  assert.equal(describe(off), "layer 3 head 5 off");
  assert.equal(describe({ ...off, by: 2 }), "layer 3 head 5 × 2");
  const replace = { type: "replace_token", pos: 0, id: 7, text: "·cat" };
  assert.equal(describe(replace, [{ text: " dog" }]), "·dog at 0 → ·cat");
  assert.deepEqual(body(replace), { type: "replace_token", pos: 0, id: 7 });
});

test("lens: shares stay between 0 and 1 and have the right direction", () => {
  const near = { top: [{ p: 0.9 }], kl: 0.01, rank_final: 1 };
  const far = { top: [{ p: 0.001 }], kl: 20, rank_final: 40000 };
  for (const { share } of Object.values(COLOURS)) {
    for (const cell of [near, far]) {
      assert.ok(share(cell) >= 0 && share(cell) <= 1);
    }
  }
  assert.ok(COLOURS.p.share(near) > COLOURS.p.share(far));
  assert.ok(COLOURS.kl.share(near) < COLOURS.kl.share(far));
  assert.ok(COLOURS.rank.share(near) > COLOURS.rank.share(far));
});

test("live: rows take their places at the end of the prompt", () => {
  const bytes = (...list) => Buffer.from(list).toString("base64");
  const generation = {
    prompt: [token(1), token(2), token(3)],
    tokens: [
      {
        ...token(4),
        attn: { layer: 2, rows: { 0: bytes(255, 0, 128), 3: bytes(1, 2, 3) } },
      },
      {
        ...token(5),
        attn: {
          layer: 2,
          rows: { 0: bytes(10, 20, 30, 255), 3: bytes(4, 5, 6, 7) },
        },
      },
    ],
  };
  const live = new LiveRows(generation);
  assert.ok(live.take());
  assert.deepEqual([live.layer, live.heads], [2, [0, 3]]);
  assert.deepEqual(
    live.tokens.map((t) => t.id),
    [1, 2, 3, 4],
  );
  const { s, T, codes } = live.plane(0);
  assert.deepEqual([s, T], [4, 4]);
  assert.deepEqual([...codes], [0, 0, 0, 255, 0, 128, 10, 20, 30, 255]);
  assert.equal(live.row(0, 1), null); // no row of the prompt's middle
  const row = live.row(0, 2);
  assert.equal(row.values[0], 1);
  assert.ok(row.about);
});
