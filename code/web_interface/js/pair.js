// SPDX-License-Identifier: MIT
//
// The same head in two runs, side by side, with one crosshair for both.

import { tableToggle } from "./a11y.js";
import { tableOf } from "./arcs.js";
import { fill, h, num } from "./dom.js";
import { picker } from "./headtools.js";
import { Matrix } from "./matrix.js";
import { Pictures } from "./pictures.js";
import { levelFor } from "./tiles.js";
import { visible } from "./tokens.js";

export class HeadPair {
  /** onHead(layer, head) when another one is chosen. */
  constructor(app, { onHead } = {}) {
    Object.assign(this, { app, layer: 0, head: 0, onHead, runs: [] });
    this.layers = picker("Layer", (x) => this.choose(x, this.head));
    this.heads = picker("Head", (x) => this.choose(this.layer, x));
    this.sides = [0, 1].map((n) => this.side(n));
    this.controls = h("span.cluster");
    this.button = h("button.button.small.quiet", { type: "button" });
    this.table = h("div.table-wrap", {
      tabindex: "0",
      role: "region",
      "aria-label": "One row of both as a table",
    });
    this.node = h(
      "section.card.stack",
      { hidden: true, "aria-label": "The same head in both" },
      h("div.spread", {}, h("h3", {}, "The same head in both"), this.controls),
      h(
        "div.side-by-side",
        {},
        this.sides.map((side) => side.node),
      ),
      this.table,
    );
    tableToggle(this.button, this.table);
    this.button.addEventListener("click", () => this.showTable());
    this.off = app.onTheme(() => this.recolour());
  }

  side(n) {
    const matrix = new Matrix("Attention", {
      onCell: (q, k, how) => this.cell(q, k, how),
      onKey: (key) => this.key(key),
      onView: () => this.plane(n),
    });
    const title = h("strong");
    const value = h("span.muted");
    return {
      matrix,
      title,
      value,
      node: h(
        "figure.figure",
        {},
        h("figcaption", {}, title),
        matrix.node,
        h("p.hint", {}, value),
      ),
    };
  }

  destroy() {
    this.off();
    clearTimeout(this.timer);
    this.sides.forEach(({ matrix }) => matrix.destroy());
    this.runs = [];
  }

  /** runs of /api/inspect and what to call them. */
  set(runs, names) {
    this.runs = runs;
    this.pictures = runs.map((run) => new Pictures(this.app, run));
    this.node.hidden = false;
    fill(this.controls, this.layers.node, this.heads.node, this.button);
    const layers = Math.min(...runs.map((run) => run.n_layers));
    const heads = Math.min(...runs.map((run) => run.n_heads));
    this.layer = Math.min(this.layer, layers - 1);
    this.head = Math.min(this.head, heads - 1);
    this.counts = [layers, heads];
    this.sides.forEach((side, n) => {
      side.title.textContent = names[n];
      side.level = null;
      side.matrix.setPlane(null);
      side.matrix.setTokens(runs[n].tokens);
    });
    this.recolour();
    this.choose(this.layer, this.head);
    const last = Math.min(...runs.map((run) => run.tokens.length)) - 1;
    this.cell(last, null, "key");
  }

  choose(layer, head) {
    Object.assign(this, { layer, head });
    const [layers, heads] = this.counts.map((n) =>
      Array.from({ length: n }, (_, i) => i),
    );
    this.layers.set(layers, layer);
    this.heads.set(heads, head);
    this.onHead?.(layer, head);
    this.sides.forEach((side, n) => {
      side.level = null;
      side.matrix.setLabel(
        `${side.title.textContent}: layer ${layer} head ${head}`,
      );
      this.plane(n);
    });
    if (this.at) {
      this.cell(...this.at, "key");
    }
  }

  key(key) {
    if (key === "t") {
      this.button.click();
      return true;
    }
    const by = { "[": [0, -1], "]": [0, 1], "{": [-1, 0], "}": [1, 0] }[key];
    if (by) {
      const [layers, heads] = this.counts;
      this.choose(
        (this.layer + by[0] + layers) % layers,
        (this.head + by[1] + heads) % heads,
      );
    }
    return Boolean(by);
  }

  view() {
    return { heads: [[this.layer, this.head]], how: "head" };
  }

  recolour() {
    this.sides.forEach(({ matrix }) =>
      matrix.setLook({ theme: this.app.theme() }),
    );
  }

  async plane(n) {
    const side = this.sides?.[n];
    const run = this.runs[n];
    const level = run && levelFor(run.tokens.length, side.matrix.extent());
    if (!run || side.level === level) {
      return;
    }
    side.level = level;
    const wanted = this.view();
    try {
      const plane = await this.pictures[n].plane(wanted, level);
      if (
        this.runs[n] === run &&
        wanted.heads[0].join() === this.view().heads[0].join()
      ) {
        side.matrix.setPlane(plane);
      }
    } catch (error) {
      this.app.toast(error);
    }
  }

  cell(q, k, how) {
    this.at = [q, k];
    this.sides.forEach(({ matrix }, n) => {
      const T = this.runs[n]?.tokens.length ?? 0;
      matrix.setCell(q < T ? q : null, k, how !== "hover");
    });
    clearTimeout(this.timer);
    this.timer = setTimeout(
      () => this.values(q, k, how),
      how === "hover" ? 40 : 0,
    );
  }

  showTable() {
    if (this.table.hidden || !this.rows) {
      return;
    }
    const names = this.sides.map((side) => side.title.textContent);
    const [q] = this.at;
    fill(
      this.table,
      tableOf(
        Array.from({ length: q + 1 }, (_, k) => ({
          position: k,
          ...Object.fromEntries(
            this.rows.flatMap((row, n) => [
              [`token ${names[n]}`, row ? visible(this.runs[n].tokens[k]) : ""],
              [`weight ${names[n]}`, row ? row.values[k] : null],
            ]),
          ),
        })),
        `Layer ${this.layer} head ${this.head}: the query at position ${q}`,
        5,
      ),
    );
  }

  async values(q, k, how) {
    const asked = this.at;
    try {
      const rows = await Promise.all(
        this.pictures.map((pictures, n) =>
          q < this.runs[n].tokens.length ? pictures.row(this.view(), q) : null,
        ),
      );
      if (this.at !== asked) {
        return;
      }
      const strongest = rows.find(Boolean)?.values;
      const at = k ?? strongest.indexOf(Math.max(...strongest));
      const words = rows.map((row, n) => {
        const { tokens } = this.runs[n];
        return row
          ? `'${visible(tokens[q])}' attends ` +
              `${num(row.values[at], 4)} to '${visible(tokens[at])}'`
          : "no such position";
      });
      this.sides.forEach((side, n) => {
        fill(side.value, words[n]);
        side.matrix.setSummary(
          `layer ${this.layer} head ${this.head}: query ${words[n]}`,
        );
        if (k === null) {
          side.matrix.setCell(rows[n] ? q : null, at, true);
        }
      });
      this.rows = rows;
      this.showTable();
      if (k === null) {
        this.at = [q, at];
      } else if (how === "key") {
        this.app.announce(words.join("; "));
      }
    } catch (error) {
      this.app.toast(error);
    }
  }
}
