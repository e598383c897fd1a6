// SPDX-License-Identifier: MIT
//
// The sampler X-ray: one row for each of the likeliest tokens, one column for
// each stage of the chain, in the order that the server runs them. A row that
// ends shows which stage removed the token; the heads of the columns say how
// many tokens are left and how much of the model's probability. Computed here
// from all logits of the position, so that it follows a slider.

import { fill, count, h, percent, ticker } from "./dom.js";
import { PARAMETERS } from "./params.js";
import { Position } from "./sampler.js";
import { settings } from "./settings.js";
import { visible } from "./tokens.js";

const ROWS = 16;
const SLIDERS = ["temperature", "top_k", "top_p", "min_p"];
const TITLES = {
  softmax: "model",
  "repetition-penalty": "repetition",
  "frequency-penalty": "frequency",
  "presence-penalty": "presence",
};

/** What the server says of a position: all logits and the ids before it. */
async function fetchPosition(app, g, i, signal) {
  const run = await app.ensureRun(g);
  const at = g.prompt.length + i - 1;
  const { buffer } = await app.api.binary(
    `/api/runs/${run.run}/logits?pos=${at}`,
    { signal },
  );
  const seen = [...g.prompt, ...g.tokens.slice(0, i)].map((t) => t.id);
  return new Position(new Float32Array(buffer), seen);
}

/** Texts of ids: those of the alternatives, the others by the server's
 * /stages, which names the likeliest. */
function names(token) {
  const map = new Map();
  for (const t of [...(token.top ?? []), token]) map.set(t.id, t);
  return map;
}

export function xray(app) {
  const table = h("table.table.xray");
  const wrap = h(
    "div.table-wrap",
    { tabindex: 0, role: "region", "aria-label": "Sampler stages" },
    table,
  );
  const note = h("p.hint");
  const knobs = settings(app, SLIDERS, "xray");
  const element = h(
    "section.xray-part",
    { hidden: true },
    h("div.panel.knobs", knobs.elements),
    h(
      "p.notice.quiet",
      "You are trying settings on this one token. The next run will use them.",
    ),
    wrap,
    note,
  );
  let position = null;
  let labels = new Map();
  let chosen = null;
  let shape = ""; // the columns that the table has now
  let cells = [];
  let heads = [];
  let abort = null;
  let last = "";

  const draw = ticker(() => {
    if (!position || element.hidden) return;
    performance.mark("xray-start");
    const valid = PARAMETERS.every(
      (p) =>
        p.list || p.name === "seed" || Number.isFinite(app.form.values[p.name]),
    );
    if (!valid) return;
    const stages = position.stages(app.form.values);
    const ids = rowIds(stages);
    const wanted = stages.map((s) => s.name).join() + ids.join();
    if (wanted !== shape) build(stages, ids, wanted);
    stages.forEach((stage, c) => {
      heads[c].left.textContent = count(stage.survivors);
      heads[c].mass.textContent = percent(stage.mass);
      heads[c].th.title = stage.effect;
      let first = true; // where the column's line is drawn
      ids.forEach((id, r) => {
        const cut = show(cells[r][c], stage, stages[c - 1], id, first);
        first &&= !cut;
      });
    });
    const end = stages.at(-1);
    note.textContent = `In the end ${count(end.survivors)} of ${count(position.logits.length)} tokens may be drawn.`;
    performance.measure("xray", "xray-start");
  });

  // The likeliest of the model, the chosen one, and what the last stage has
  // that is not among them (typical-p may prefer others).
  function rowIds(stages) {
    const ids = [...stages[0].ids.subarray(0, ROWS)];
    if (chosen !== null && !ids.includes(chosen)) ids.push(chosen);
    for (const id of stages.at(-1).ids.subarray(0, 4)) {
      if (!ids.includes(id)) ids.push(id);
    }
    return ids;
  }

  function build(stages, ids, wanted) {
    shape = wanted;
    heads = stages.map((stage) => {
      const left = h("b");
      const mass = h("span");
      const th = h(
        "th.stage",
        { scope: "col" },
        h("span.stage-name", TITLES[stage.name] ?? stage.name),
        h("span.stage-facts", left, " left · ", mass),
      );
      return { th, left, mass };
    });
    cells = ids.map(() =>
      stages.map(() => {
        const bar = h("i");
        const text = h("span.n");
        return {
          td: h("td", h("span.meter", { "aria-hidden": "true" }, bar), text),
          bar,
          text,
        };
      }),
    );
    fill(
      table,
      h(
        "caption.visually-hidden",
        "Probability of each token after each stage of the sampler",
      ),
      h(
        "thead",
        h(
          "tr",
          h("th", { scope: "col" }, "Token"),
          heads.map((x) => x.th),
        ),
      ),
      h(
        "tbody",
        ids.map((id, r) =>
          h(
            id === chosen ? "tr.chosen" : "tr",
            h(
              "th.mono",
              { scope: "row" },
              name(id),
              id === chosen ? h("span.chip.on", "taken") : null,
            ),
            cells[r].map((c) => c.td),
          ),
        ),
      ),
    );
    nameMissing(ids);
  }

  const name = (id) => (labels.has(id) ? visible(labels.get(id)) : `#${id}`);

  // Tokens beyond the twenty of the stream get their names once.
  async function nameMissing(ids) {
    const missing = ids.filter((id) => !labels.has(id));
    if (!missing.length || !current || last === missing.join()) return;
    last = missing.join();
    try {
      const { g, i } = current;
      const run = await app.ensureRun(g);
      const at = g.prompt.length + i - 1;
      const typical = app.form.values.typical_p;
      const { stages } = await app.api.get(
        `/api/runs/${run.run}/stages?pos=${at}&top_k_shown=50&typical_p=${typical}`,
        { signal: abort?.signal },
      );
      for (const s of stages)
        for (const t of s.top) if (!labels.has(t.id)) labels.set(t.id, t);
      shape = "";
      draw();
    } catch {
      // their numbers stay
    }
  }

  function show(cell, stage, before, id, first) {
    const gone = !stage.has(id);
    const cut = gone && (!before || before.has(id));
    const p = gone ? 0 : stage.p(id);
    cell.td.className = cut
      ? first
        ? "cut first"
        : "cut"
      : gone
        ? "gone"
        : "";
    cell.bar.style.transform = `scaleX(${p.toFixed(4)})`;
    cell.text.textContent = !gone
      ? percent(p)
      : cut
        ? first
          ? "cut here"
          : "cut"
        : "";
    return cut;
  }

  let current = null;
  const off = app.form.subscribe(draw);
  return {
    element,
    get open() {
      return !element.hidden;
    },
    close() {
      element.hidden = true;
      abort?.abort();
      current = position = null;
    },
    /** The token in place i of a generation; throws ApiError. */
    async show(g, i) {
      abort?.abort();
      abort = new AbortController();
      const mine = abort;
      position = null;
      const found = await fetchPosition(app, g, i, mine.signal);
      if (mine.signal.aborted) return;
      current = { g, i };
      position = found;
      chosen = g.tokens[i].id;
      labels = names(g.tokens[i]);
      shape = last = "";
      element.hidden = false;
      draw();
    },
    off() {
      off();
      knobs.off();
      draw.cancel();
      abort?.abort();
    },
  };
}
