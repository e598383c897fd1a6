// SPDX-License-Identifier: MIT
// The shortest edit script, against a plain dynamic programme.

import assert from "node:assert/strict";
import { test } from "node:test";

import { diff } from "../../../code/web_interface/js/diff.js";

/** Length of the longest common subsequence, by the textbook's table. */
function common(a, b) {
  const table = Array.from({ length: a.length + 1 }, () =>
    new Array(b.length + 1).fill(0),
  );
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      table[i][j] =
        a[i - 1] === b[j - 1]
          ? table[i - 1][j - 1] + 1
          : Math.max(table[i - 1][j], table[i][j - 1]);
    }
  }
  return table[a.length][b.length];
}

function check(a, b) {
  const script = diff(a, b);
  const left = script.filter((x) => x.kind !== "b").map((x) => x.a);
  const right = script.filter((x) => x.kind !== "a").map((x) => x.b);
  assert.deepEqual(
    left,
    a.map((_, i) => i),
  );
  assert.deepEqual(
    right,
    b.map((_, i) => i),
  );
  const same = script.filter((x) => x.kind === "same");
  same.forEach((x) => assert.equal(a[x.a], b[x.b]));
  assert.equal(same.length, common(a, b));
}

test("edges: nothing, one side empty, equal, all different", () => {
  check([], []);
  check([1, 2], []);
  check([], [1, 2]);
  check([1, 2, 3], [1, 2, 3]);
  check([1, 2, 3], [4, 5]);
});

test("Myers's own example", () => check([..."ABCABBA"], [..."CBABAC"]));

test("two hundred random pairs", () => {
  let x = 5;
  const next = (n) => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return Math.floor((x / 2 ** 32) * n);
  };
  for (let n = 0; n < 200; n++) {
    const list = () => Array.from({ length: next(24) }, () => next(4));
    check(list(), list());
  }
});

test("a thousand tokens that differ everywhere take no more than a moment", () => {
  const a = Array.from({ length: 1000 }, (_, i) => i);
  const script = diff(
    a,
    a.map((i) => i + 5000),
  );
  assert.equal(script.length, 2000);
});
