// SPDX-License-Identifier: MIT
//
// What if: read a text again with something changed in the model, and see what
// of the answer depended on it. Part of #/compare.

import { fill, h, num, percent, scope } from "./dom.js";
import { positionChart } from "./bypos.js";
import { body, describe, editor } from "./edits.js";
import { HeadPair } from "./pair.js";
import { findRun, sourceCard } from "./source.js";
import { visible } from "./tokens.js";

/** Tokens of two lists in one: [{id, text, before, after}], the likelier first;
 * null: not among those told. */
export function merged(before, after) {
  const all = new Map();
  for (const [list, name] of [
    [before, "before"],
    [after, "after"],
  ]) {
    for (const token of list) {
      const entry = all.get(token.id) ?? {
        ...token,
        before: null,
        after: null,
      };
      entry[name] = token.p;
      all.set(token.id, entry);
    }
  }
  return [...all.values()].sort(
    (a, b) => Math.max(b.before, b.after) - Math.max(a.before, a.after),
  );
}

function bars(list) {
  const bar = (p, kind) => {
    const meter = h(`i.${kind}`);
    meter.style.width = `${100 * (p ?? 0)}%`;
    return h("span.meter", { "aria-hidden": "true" }, meter);
  };
  return h(
    "table.table.before-after",
    {},
    h("caption.visually-hidden", {}, "The next token before and after"),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", { scope: "col" }, "next token"),
        ["before", "after"].map((x) => h("th.n", { scope: "col" }, x)),
        h("td"),
      ),
    ),
    h(
      "tbody",
      {},
      list.map(({ before, after, ...token }) =>
        h(
          "tr",
          {},
          h("th.mono", { scope: "row" }, visible(token)),
          h("td.n", {}, before === null ? "rare" : percent(before)),
          h("td.n", {}, after === null ? "rare" : percent(after)),
          h("td.bars-cell", {}, bar(before, "before"), bar(after, "after")),
        ),
      ),
    ),
  );
}

export function whatIf(root, app, params) {
  const life = scope();
  let found = null;
  const source = sourceCard(app, { onRun: show, signal: life.signal });
  const edits = editor(app, {
    model: () => found?.run.model,
    facts: () => found?.run,
  });
  const off = /^(\d+)\.(\d+)$/.exec(params.off ?? "");
  if (off) {
    const [layer, head] = [Number(off[1]), Number(off[2])];
    edits.set([{ type: "scale_head", layer, head, by: 0 }]);
  }
  const problem = h("p.problem", { role: "alert", hidden: true });
  const go = h(
    "button.button.primary",
    { type: "button", on: { click: run } },
    "Read it again",
  );
  const answer = h("div.stack");
  const chart = positionChart();
  const pair = new HeadPair(app);
  const result = h(
    "section.card.stack",
    { hidden: true, "aria-label": "What changed" },
    answer,
    chart.node,
  );
  const card = h(
    "section.card.stack",
    { hidden: true, "aria-label": "Changes" },
    h("h3", {}, "Change something"),
    edits.node,
    problem,
    h(
      "div.cluster",
      {},
      go,
      h(
        "span.hint",
        {},
        "Heads are scaled before the output projection; a " +
          "steering vector is what the residual stream has of the first text " +
          "and not of the second (Turner et al. 2023).",
      ),
    ),
  );
  fill(root, source.node, card, result, pair.node);

  function show(next) {
    source.show(next);
    card.hidden = !next;
    result.hidden = pair.node.hidden = true;
    if (next) {
      found = next;
      app.setParams({
        off: null,
        run: found.run.run,
        model: found.run.model,
        text: found.text?.length <= 2000 ? found.text : null,
      });
      edits.renew();
    }
  }

  async function run() {
    problem.hidden = true;
    try {
      if (!edits.list().length) {
        throw new Error("Add at least one change first.");
      }
      go.disabled = true;
      const after = await app.api.post(
        "/api/whatif",
        {
          run: found.run.run,
          interventions: edits.list().map(body),
        },
        { signal: life.signal },
      );
      tell(after);
    } catch (error) {
      if (error.name !== "AbortError") {
        problem.textContent = error.message;
        problem.hidden = false;
      }
    } finally {
      go.disabled = false;
    }
  }

  function tell(after) {
    const { tokens } = found.run;
    const list = merged(after.top_before, after.top_after).slice(0, 12);
    const names = edits
      .list()
      .map((x) => describe(x, tokens))
      .join("; ");
    const [was, is] = [after.top_before[0], after.top_after[0]];
    fill(
      answer,
      h("h3", {}, `With ${names}`),
      h(
        "p",
        {},
        "After the last token, the model's favourite ",
        was.id === is.id ? "stays " : "turns from ",
        h("span.mono.quote", {}, visible(was)),
        was.id === is.id
          ? ""
          : [" into ", h("span.mono.quote", {}, visible(is))],
        `, and the whole distribution moves by ${num(after.kl, 3)} nats (KL).`,
      ),
      bars(list),
    );
    chart.set({
      values: after.kl_by_position,
      labels: after.tokens.map(visible),
      title: "How far the next-token distribution moved at each position",
      unit: "nats (KL)",
    });
    result.hidden = false;
    pair.set([found.run, after], ["Before", "After"]);
    app.announce(`KL ${num(after.kl, 3)} nats`);
    result.scrollIntoView({
      block: "nearest",
      behavior: app.reducedMotion() ? "auto" : "smooth",
    });
  }

  source.busy(() => findRun(app, params, life.signal));
  return {
    update() {},
    unmount() {
      life.end();
      chart.off();
      pair.destroy();
    },
  };
}
