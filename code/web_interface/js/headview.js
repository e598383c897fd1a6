// SPDX-License-Identifier: MIT
//
// One head (or several combined): its matrix, the text linked with it, and one
// row as arcs, bars and a table. Pointing shows a cell for the moment, pins and
// keys for good. Numbers that are said come from /row.

import { tableToggle } from "./a11y.js";
import { arcs, bars, ranked, rowData, tableOf } from "./arcs.js";
import { fill, h, num } from "./dom.js";
import { Matrix } from "./matrix.js";
import { Pictures } from "./pictures.js";
import { linkedText } from "./strip.js";
import { levelFor } from "./tiles.js";
import { plain, visible } from "./tokens.js";

const quoted = (token) => `'${plain(token).trim() || visible(token)}'`;

export class HeadView {
  /** `state` is the view's: layer, head, how, chosen, weighted, nosink, gamma,
   * q, k. on: moved() after q or k changed for good, zoomed(), key(key) ->
   * used, gone() when the run has expired. */
  constructor(app, state, on) {
    Object.assign(this, { app, state, on });
    this.pinned = false;
    this.matrix = new Matrix("Attention", {
      onCell: (q, k, how) => this.cell(q, k, how),
      onLeave: () => this.leave(),
      onKey: (key) => this.key(key),
      onView: () => this.zoomed(),
    });
    this.text = linkedText("The text, token by token", {
      hover: (t) =>
        this.pinned && t <= state.q
          ? this.cell(state.q, t, "hover")
          : this.cell(t, null, "hover"),
      leave: () => this.leave(),
      pick: (t) => this.cell(t, null, "pin"),
    });
    this.title = h("h3");
    this.rowTitle = h("h3");
    this.arcs = h("div.arcs-box");
    this.bars = h("div");
    this.table = h("div.table-wrap", {
      tabindex: "0",
      role: "region",
      "aria-label": "The row as a table",
    });
    this.tableButton = h("button.button.small.quiet", { type: "button" });
    tableToggle(this.tableButton, this.table);
    this.tableButton.addEventListener("click", () => this.showTable());
    this.observer = new ResizeObserver(() => this.resized());
    this.observer.observe(this.arcs);
  }

  destroy() {
    this.observer.disconnect();
    clearTimeout(this.timer);
    this.fetching?.abort();
    this.drawing?.abort();
    this.matrix.destroy();
  }

  // What is shown.

  setRun(run) {
    this.fetching?.abort();
    this.drawing?.abort();
    this.live = null;
    this.pictures = new Pictures(this.app, run);
    this.matrix.setPlane(null);
    this.setTokens(run.tokens);
  }

  /** Rows as they arrive, in place of a run. */
  setLive(live) {
    const begun = this.live === live;
    this.live = live;
    this.setTokens(live.tokens, begun);
    Object.assign(this.state, { q: this.tokens.length - 1, k: null });
    this.pinned = false;
    this.refresh();
  }

  setTokens(tokens, grown = false) {
    this.tokens = tokens;
    this.row = this.still = this.at = null;
    this.matrix.setTokens(tokens);
    this.text.setTokens(tokens, grown);
  }

  view() {
    const { layer, head, how, chosen, weighted, nosink } = this.state;
    const heads =
      how === "head" || !chosen.size
        ? [[layer, head]]
        : [...chosen].map((key) => key.split(".").map(Number));
    return { heads, how, weighted, nosink };
  }

  name() {
    const { layer, head, how } = this.state;
    const { heads } = this.view();
    return how === "head" || heads.length === 1 || this.live
      ? `layer ${heads[0][0]} head ${this.live ? head : heads[0][1]}`
      : `${how === "mean" ? "mean" : "largest"} of ${heads.length} heads`;
  }

  /** All anew after the head, the way or the run changed. */
  refresh() {
    const { state } = this;
    const whole = (x, most) => Math.max(0, Math.min(Math.trunc(x), most));
    state.q = whole(state.q ?? Infinity, this.tokens.length - 1);
    state.k = state.k === null ? null : whole(state.k, state.q);
    const name = this.name();
    this.title.textContent = name[0].toUpperCase() + name.slice(1);
    this.matrix.setLabel(
      `Attention of ${name}: rows are queries, columns keys`,
    );
    this.row = this.still = null;
    this.level = null;
    this.drawPlane();
    this.point(state.q, state.k, true);
  }

  recolour() {
    performance.mark("attention:matrix-recolour-start");
    this.matrix.setLook({ gamma: this.state.gamma, theme: this.app.theme() });
    performance.measure(
      "attention:matrix-recolour",
      "attention:matrix-recolour-start",
    );
    this.say();
    this.showStill();
  }

  /** The measure "attention:matrix" is from the tile's arrival to its paint. */
  async drawPlane() {
    if (this.live) {
      this.matrix.setPlane(this.live.plane(this.state.head));
      return;
    }
    const level = levelFor(this.tokens.length, this.matrix.extent());
    if (level === this.level) {
      return;
    }
    this.level = level;
    this.drawing?.abort();
    const { signal } = (this.drawing = new AbortController());
    await this.guard(async () => {
      const plane = await this.pictures.plane(this.view(), level, signal);
      if (!signal.aborted) {
        performance.mark("attention:tile");
        this.matrix.setPlane(plane);
        performance.measure("attention:matrix", "attention:tile");
      }
    });
  }

  zoomed() {
    if (this.tokens && !this.live) {
      this.drawPlane();
    }
    this.matrix.setTip("");
    this.on.zoomed();
  }

  async guard(work) {
    try {
      await work();
    } catch (error) {
      if (error.status === 404 || error.status === 410) {
        this.on.gone();
      } else if (error.name !== "AbortError") {
        this.app.toast(error);
      }
    }
  }

  // The cell. k = null: the strongest key, once it is known.

  cell(q, k, how) {
    const { state } = this;
    if (how === "hover") {
      this.point(q, k, false);
      return;
    }
    if (how === "pin") {
      const again =
        this.pinned && q === state.q && (k === null || k === state.k);
      this.pinned = !again;
    }
    Object.assign(state, { q, k });
    this.spoken = how === "key";
    this.point(q, k, true, true);
    this.on.moved();
  }

  leave() {
    this.matrix.setTip("");
    if (this.at) {
      this.point(this.state.q, this.state.k, true);
    }
  }

  key(key) {
    if (key === "Escape" && this.pinned) {
      this.pinned = false;
      return true;
    }
    return this.on.key(key);
  }

  /** Moves the crosshair now, and asks for the row if it is another. */
  point(q, k, stays, reveal = false) {
    this.at = { q, k, stays, reveal };
    this.matrix.setCell(q, k, reveal);
    clearTimeout(this.timer);
    const known = stays && this.still?.q === q ? this.still : this.row;
    if (known?.q === q) {
      this.arrived(known);
    } else if (this.live) {
      this.fetchRow(q);
    } else {
      this.say();
      // A pointer that passes over many rows asks for few of them.
      this.timer = setTimeout(() => this.fetchRow(q), stays ? 0 : 40);
    }
  }

  async fetchRow(q) {
    if (this.live) {
      const row = this.live.row(this.state.head, q);
      if (row) {
        this.arrived(row);
      }
      return;
    }
    this.fetching?.abort();
    const { signal } = (this.fetching = new AbortController());
    await this.guard(async () => {
      const row = await this.pictures.row(this.view(), q, signal);
      if (!signal.aborted && this.at.q === q) {
        this.arrived(row);
      }
    });
  }

  arrived(row) {
    this.row = row;
    const { at, state } = this;
    if (at.k === null) {
      at.k = ranked(row.values)[0]?.k ?? 0;
      this.matrix.setCell(at.q, at.k, at.reveal);
      if (at.stays) {
        state.k = at.k;
        this.on.moved();
      }
    }
    this.say();
    if (at.stays && this.still !== row) {
      this.still = row;
      this.showStill();
    }
  }

  /** Text, hint and summary of the cell pointed at. */
  say() {
    const { at, tokens, state } = this;
    if (!at || !tokens) {
      return;
    }
    const row = this.row?.q === at.q ? this.row : null;
    this.text.mark(at.q, at.k ?? -1);
    const query = quoted(tokens[at.q]);
    if (!row || at.k === null) {
      this.matrix.setSummary(`${this.name()}: query ${query}`);
      return;
    }
    const top = state.weighted ? Math.max(...row.values) || 1 : 1;
    this.text.tint(
      row.values.map((x) => (x / top) ** state.gamma),
      this.app.theme(),
    );
    const value = `${row.about ? "about " : ""}${num(row.values[at.k], 4)}`;
    const key = quoted(tokens[at.k]);
    this.matrix.setTip(
      at.stays && !this.pinned
        ? ""
        : `${visible(tokens[at.q])} → ${visible(tokens[at.k])}   ${value}`,
    );
    const summary = `${this.name()}: query ${query} attends ${value} to ${key}`;
    this.matrix.setSummary(`${summary} (positions ${at.q} and ${at.k})`);
    if (this.spoken && at.stays) {
      this.spoken = false;
      this.app.announce(summary);
    }
  }

  // The row that stays.

  showStill() {
    const { still: row, tokens } = this;
    if (!row) {
      return;
    }
    fill(
      this.rowTitle,
      "What ",
      h("span.mono", {}, visible(tokens[row.q])),
      ` at ${row.q} looks at`,
    );
    const best = ranked(row.values)[0];
    const style = getComputedStyle(this.arcs);
    const label =
      `${this.name()}: ${quoted(tokens[row.q])} looks most at ` +
      (best ? `${quoted(tokens[best.k])}, ${num(best.value, 4)}` : "nothing");
    this.picture = arcs(
      row,
      tokens,
      Math.max(280, this.arcs.clientWidth),
      style.getPropertyValue("--accent"),
      style.color,
      label,
    );
    fill(this.arcs, this.picture);
    this.text.reveal(row.q);
    fill(
      this.bars,
      bars(row, tokens, (k) => this.cell(row.q, k, "pin")),
    );
    this.showTable();
  }

  resized() {
    const width = this.arcs.clientWidth;
    if (width !== this.width) {
      this.width = width;
      this.showStill();
    }
  }

  showTable() {
    if (this.table.hidden || !this.still) {
      return;
    }
    const { q } = this.still;
    fill(
      this.table,
      tableOf(
        this.data(),
        `${this.name()}: query ${quoted(this.tokens[q])} at position ${q}`,
        5,
      ),
    );
  }

  data() {
    return rowData(this.still, this.tokens);
  }
}
