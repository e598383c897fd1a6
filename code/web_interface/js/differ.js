// SPDX-License-Identifier: MIT
//
// How two texts of tokens differ, in words and in probability.

import { diff } from "./diff.js";
import { h, num } from "./dom.js";

/** Sum and mean of what a generation's tokens were worth. */
export function totals(tokens) {
  const sum = tokens.reduce((a, t) => a + t.logprob_raw, 0);
  const mean = tokens.length ? sum / tokens.length : NaN;
  return { sum, mean, perplexity: Math.exp(-mean) };
}

/** [{i, token, delta}]: of tokens in common, log p under B minus that under A.
 */
export function deltas(a, b) {
  return diff(
    a.map((t) => t.id),
    b.map((t) => t.id),
  )
    .filter((x) => x.kind === "same")
    .map(({ a: i, b: j }) => ({
      i,
      token: a[i],
      delta: b[j].logprob_raw - a[i].logprob_raw,
    }));
}

/** Which tokens of each list are only in it. While the lists grow (not `whole`)
 * that is what comes after their common beginning. */
function onlyIn(lists, whole) {
  const ids = lists.map((list) => list.map((t) => t.id));
  if (!whole) {
    const first = ids[0].findIndex((id, n) => id !== ids[1][n]);
    const same = first < 0 ? ids[0].length : first;
    return ids.map((list) => list.map((_, n) => n >= same));
  }
  const marks = ids.map((list) => list.map(() => false));
  for (const x of diff(...ids)) {
    if (x.kind !== "same") {
      marks[x.kind === "a" ? 0 : 1][x[x.kind]] = true;
    }
  }
  return marks;
}

/** Both lists as texts of neighbouring tokens: [[text, only here], ..]. */
export function stretches(lists, whole) {
  const marks = onlyIn(lists, whole);
  return lists.map((list, side) => {
    const out = [];
    list.forEach(({ text }, n) => {
      const only = marks[side][n];
      if (out.length && out.at(-1)[1] === only) {
        out.at(-1)[0] += text;
      } else {
        out.push([text, only]);
      }
    });
    return out;
  });
}

/** Both generations in numbers; `read`: A's text as B reads it, or null. */
export function numbersTable(a, b, read) {
  const own = [a, b].map((g) => totals(g.tokens));
  const perplexities = (list) => list.map((x) => num(x.perplexity, 4));
  const rows = [
    ["Tokens", [a, b].map((g) => g.tokens.length)],
    ["Mean log p (nats)", own.map((x) => num(x.mean, 4))],
    ["Perplexity of its own text", perplexities(own)],
    read && [
      "Perplexity of A's text",
      perplexities([own[0], totals(read.tokens)]),
    ],
    ["Tokens per second", [a, b].map((g) => num(g.timings?.tokens_per_s))],
  ];
  const head = ["A", "B"].map((x) => h("th.n", { scope: "col" }, x));
  return h(
    "table.table",
    h("caption.visually-hidden", "Both runs in numbers"),
    h("thead", h("tr", h("td"), head)),
    h(
      "tbody",
      rows.filter(Boolean).map(([name, values]) =>
        h(
          "tr",
          h("th", { scope: "row" }, name),
          values.map((x) => h("td.n", x)),
        ),
      ),
    ),
  );
}
