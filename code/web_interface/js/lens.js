// SPDX-License-Identifier: MIT
//
// #/layers, the logit lens (nostalgebraist 2020): what the model would say next
// if each layer were its last one. A table of at most 32 positions; cells are
// coloured by one of three measures.

import { roving } from "./a11y.js";
import { query } from "./api.js";
import { fill, h, num, percent, scope } from "./dom.js";
import { exportMenu, saveCSV, saveJSON } from "./export.js";
import { segmented } from "./headtools.js";
import { colourAt, cssColour, inkOn } from "./palette.js";
import { findRun, sourceCard } from "./source.js";
import { visible } from "./tokens.js";

const WINDOW = 32;

/** share 0..1 of a colour, what its two ends mean, and the words of a value. */
export const COLOURS = {
  p: {
    label: "Probability",
    ends: ["unsure", "sure of its token"],
    share: (cell) => Math.sqrt(cell.top[0].p),
  },
  kl: {
    label: "KL to the output",
    ends: ["as the last layer", "50 nats or more away"],
    share: (cell) =>
      Math.min(1, Math.log1p(Math.max(0, cell.kl)) / Math.log1p(50)),
  },
  rank: {
    label: "Rank of the final token",
    ends: ["10,000th or worse", "first"],
    share: (cell) => 1 - Math.min(1, Math.log10(cell.rank_final) / 4),
  },
};

class LensView {
  constructor(root, app, params) {
    Object.assign(this, { root, app, scope: scope(), cells: new Map() });
    this.build();
    this.read(params);
    this.scope.add(app.onTheme(() => this.recolour()));
    this.source.busy(() => findRun(app, params, this.scope.signal));
  }

  build() {
    this.source = sourceCard(this.app, {
      onRun: (found) => this.showRun(found),
      signal: this.scope.signal,
    });
    this.colour = segmented(
      "Colour by",
      Object.entries(COLOURS).map(([value, { label }]) => [value, label]),
      "p",
      (by) => {
        this.by = by;
        this.recolour();
        this.write();
      },
    );
    const page = (text, label, by) =>
      h(
        "button.button.small",
        {
          type: "button",
          "aria-label": label,
          on: { click: () => this.page(by) },
        },
        text,
      );
    this.earlier = page("‹", "Earlier positions", -1);
    this.later = page("›", "Later positions", 1);
    this.range = h("span.muted");
    this.strip = h("canvas.palette-strip", {
      "aria-hidden": "true",
      width: "256",
      height: "1",
    });
    this.ends = [h("span"), h("span")];
    this.table = h("table.lens-table", { role: "grid" });
    this.rover = roving(this.table, "td", {
      columns: () => this.to - this.from,
    });
    this.wrap = h("div.table-wrap.lens-wrap", {}, this.table);
    this.detail = h("div.lens-detail.panel", { "aria-live": "off" });
    const name = () => `logit-lens-${this.from}-${this.to}`;
    const exports = exportMenu([
      { label: "Table (CSV)", run: () => saveCSV(name(), this.objects()) },
      {
        label: "All data (JSON)",
        run: () =>
          saveJSON(name(), {
            model: this.run.model,
            tokens: this.run.tokens,
            ...this.lens,
          }),
      },
    ]);
    this.body = h(
      "section.card.stack",
      { hidden: true, "aria-label": "Logit lens" },
      h(
        "div.spread",
        {},
        this.colour.node,
        h(
          "span.cluster.tight",
          {},
          this.earlier,
          this.range,
          this.later,
          exports,
        ),
      ),
      h("p.legend", {}, this.ends[0], this.strip, this.ends[1]),
      this.wrap,
      this.detail,
      h(
        "p.hint",
        {},
        "How to read it: a column is a position of the text, a " +
          "row what stands in the residual stream after that layer. Each is put " +
          "through the model's own final norm and output matrix, although only " +
          "the last layer was trained for that (no tuned lens): early layers may " +
          "know more than they can say here. A ring marks the token that really " +
          "comes next.",
      ),
    );
    fill(
      this.root,
      h("h2.view-title", {}, "Layers"),
      h(
        "p.view-lead",
        {},
        "What would the model say next if it stopped after " +
          "this layer? Follow a column upwards and watch the answer form.",
      ),
      this.source.node,
      this.body,
    );
  }

  read(params) {
    this.by = COLOURS[params.by] ? params.by : "p";
    this.pos = params.pos === undefined ? null : Number(params.pos);
    const from =
      params.from ?? (this.pos === null ? NaN : this.pos - WINDOW + 4);
    this.wanted = Number.isFinite(Number(from)) ? Number(from) : null;
    this.colour.set(this.by);
  }

  write() {
    this.app.setParams({
      run: this.run?.run ?? null,
      by: this.by === "p" ? null : this.by,
      from: this.from,
      pos: null,
      model: this.run?.model ?? null,
      text: this.found?.text?.length <= 2000 ? this.found.text : null,
    });
  }

  update(params) {
    this.read(params);
    if (params.run !== this.run?.run) {
      this.source.busy(() => findRun(this.app, params, this.scope.signal));
    } else {
      this.recolour();
    }
  }

  unmount() {
    this.scope.end();
  }

  async showRun(found) {
    this.source.show(found);
    this.body.hidden = !found;
    if (found) {
      this.found = found;
      this.run = found.run;
      const last = Math.max(0, this.run.tokens.length - WINDOW);
      await this.load(Math.min(last, Math.max(0, this.wanted ?? last)));
    }
  }

  page(by) {
    const last = Math.max(0, this.run.tokens.length - WINDOW);
    const from = Math.min(last, Math.max(0, this.from + by * WINDOW));
    this.wanted = from;
    this.source.busy(async () => this.found);
  }

  async load(from) {
    const T = this.run.tokens.length;
    const to = Math.min(T, from + WINDOW);
    if (this.lens && this.from === from && this.lensOf === this.run.run) {
      return;
    }
    const path =
      `/api/runs/${this.run.run}/lens` + query({ from, to, top_k: 5 });
    const lens = await this.app.api.get(path, { signal: this.scope.signal });
    Object.assign(this, { lens, from, to, lensOf: this.run.run });
    this.range.textContent = `positions ${from}–${to - 1} of ${T}`;
    this.earlier.disabled = from === 0;
    this.later.disabled = to === T;
    this.fillTable();
    this.write();
  }

  layerName(layer) {
    const last = this.lens.layers.length - 1;
    return layer === 0
      ? "embedding"
      : layer === last
        ? "output"
        : String(layer - 1);
  }

  fillTable() {
    const { tokens } = this.run;
    this.cells.clear();
    const heads = this.lens.layers[0].positions.map(({ pos }) =>
      h("th.mono", { scope: "col" }, h("span", {}, visible(tokens[pos]))),
    );
    // The last layer on top, as in the literature.
    const rows = [...this.lens.layers].reverse().map(({ layer, positions }) =>
      h(
        "tr",
        {},
        h("th.n", { scope: "row" }, this.layerName(layer)),
        positions.map((cell) => this.cell(layer, cell, tokens)),
      ),
    );
    fill(
      this.table,
      h("caption.visually-hidden", {}, "Likeliest next token after each layer"),
      h("thead", {}, h("tr", {}, h("th.n", { scope: "col" }, "layer"), heads)),
      h("tbody", {}, rows),
    );
    // The output at the position of the address, else at the newest.
    const row = [...this.table.querySelectorAll("tbody tr:first-child td")];
    const first = row[(this.pos ?? Infinity) - this.from] ?? row.at(-1);
    this.rover.set(first);
    this.show(first);
    this.recolour();
    this.wrap.scrollLeft =
      first.offsetLeft + 2 * first.offsetWidth - this.wrap.clientWidth;
  }

  cell(layer, cell, tokens) {
    const next = tokens[cell.pos + 1];
    const [best] = cell.top;
    const node = h(
      "td.mono",
      {
        tabindex: -1,
        "aria-label":
          `${this.layerName(layer)}, position ${cell.pos}: ` +
          `${visible(best)} ${percent(best.p)}, KL ${num(cell.kl, 2)}, ` +
          `final token at rank ${cell.rank_final}`,
        on: {
          focus: () => this.show(node),
          pointerenter: () => this.show(node),
          click: () => node.focus(),
        },
      },
      h("span", {}, visible(best)),
    );
    node.classList.toggle("is-next", next?.id === best.id);
    this.cells.set(node, { layer, ...cell });
    return node;
  }

  recolour() {
    const theme = this.app.theme();
    const { share, ends } = COLOURS[this.by];
    for (const [node, cell] of this.cells) {
      node.style.backgroundColor = cssColour(share(cell), theme);
      node.style.color = inkOn(share(cell), theme);
    }
    ends.forEach((text, n) => (this.ends[n].textContent = text));
    paintStrip(this.strip, theme);
  }

  /** The five likeliest of a cell, below the table. */
  show(node) {
    const cell = this.cells.get(node);
    if (!cell || this.shown === node) {
      return;
    }
    this.shown = node;
    const { tokens } = this.run;
    const next = tokens[cell.pos + 1];
    const name = this.layerName(cell.layer);
    fill(
      this.detail,
      h(
        "p",
        {},
        h("strong", {}, Number.isNaN(Number(name)) ? name : `layer ${name}`),
        ", after ",
        h("span.mono", {}, visible(tokens[cell.pos])),
        ` at ${cell.pos}`,
        next ? [": next comes ", h("span.mono", {}, visible(next))] : "",
        h(
          "span.muted",
          {},
          ` · ${num(cell.kl, 3)} nats from the output · the ` +
            `output's favourite is at rank ${cell.rank_final}`,
        ),
      ),
      h(
        "ol.row-bars",
        {},
        cell.top.map((token) => {
          const bar = h("i");
          bar.style.width = `${100 * token.p}%`;
          return h(
            "li",
            {},
            h(
              "span.row-bar",
              {},
              h("span.mono", {}, visible(token)),
              h("span.meter", { "aria-hidden": "true" }, bar),
              h("span.n", {}, percent(token.p)),
            ),
          );
        }),
      ),
    );
  }

  objects() {
    return this.lens.layers.flatMap(({ layer, positions }) =>
      positions.map(({ pos, kl, rank_final, top }) => ({
        layer,
        position: pos,
        token: visible(this.run.tokens[pos]),
        kl,
        rank_final,
        ...Object.fromEntries(
          top.flatMap((x, n) => [
            [`top${n + 1}`, visible(x)],
            [`p${n + 1}`, x.p],
          ]),
        ),
      })),
    );
  }
}

/** All 256 colours in a row. */
export function paintStrip(canvas, theme) {
  const image = new ImageData(256, 1);
  for (let i = 0; i < 256; i++) {
    image.data.set([...colourAt(i, theme), 255], 4 * i);
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

export function mount(root, app, params) {
  return new LensView(root, app, params);
}
