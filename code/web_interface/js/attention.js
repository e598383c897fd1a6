// SPDX-License-Identifier: MIT
//
// #/attention: on the left all heads of all layers, on the right one of them,
// below its text and one row. What is chosen is in the address.

import { tableOf } from "./arcs.js";
import { headCard, sheetCard, textCard } from "./attentioncards.js";
import { fill, h, scope } from "./dom.js";
import { keyOf, Sheet, SORTS, sorted } from "./heads.js";
import { headTools } from "./headtools.js";
import { HeadView } from "./headview.js";
import { dropPictures } from "./pictures.js";
import { findRun, sourceCard } from "./source.js";

const MOST = 64; // heads combined at once

class AttentionView {
  constructor(root, app, params) {
    this.app = app;
    this.root = root;
    this.scope = scope();
    this.state = {
      layer: 0,
      head: 0,
      q: null,
      k: null,
      gamma: 0.5,
      weighted: false,
      nosink: false,
      how: "head",
      sort: "layer",
      chosen: new Set(),
    };
    this.build();
    this.read(params);
    this.scope.add(app.onTheme(() => this.recolour()));
    this.scope.add(app.onGeneration((g, what) => this.generation(g, what)));
    this.open(params);
  }

  build() {
    const { app } = this;
    this.source = sourceCard(app, {
      onRun: (found) => this.showRun(found),
      signal: this.scope.signal,
    });
    this.sheet = new Sheet(app, { pick: (l, x) => this.pick(l, x) });
    this.view = new HeadView(app, this.state, {
      moved: () => this.write(),
      zoomed: () => this.write(),
      key: (key) => this.key(key),
      gone: () => this.open({ text: this.found?.text, model: this.run?.model }),
    });
    this.tools = headTools({
      change: (patch) => this.change(patch),
      step: (what, by) => this.step(what, by),
      zoom: (factor) =>
        factor ? this.view.matrix.zoom(factor) : this.view.matrix.zoomFit(),
      chooseLayer: () =>
        this.change({
          chosen: new Set(
            this.heads().map((head) => keyOf(this.state.layer, head)),
          ),
        }),
      clear: () => this.change({ chosen: new Set() }),
    });
    this.sort = h(
      "select",
      {
        id: "sort",
        on: { change: () => this.change({ sort: this.sort.value }) },
      },
      Object.entries(SORTS).map(([value, { label }]) =>
        h("option", { value }, label),
      ),
    );
    this.liveButton = h(
      "button.button.small.primary",
      {
        type: "button",
        on: { click: () => this.writeLive() },
      },
      "Write live",
    );
    this.off = h("a.button.small.quiet", {}, "What if this head were off?");
    this.body = h(
      "div.attention",
      { hidden: true },
      sheetCard(this),
      headCard(this),
      textCard(this),
    );
    fill(
      this.root,
      h("h2.view-title", {}, "Attention"),
      h(
        "p.view-lead",
        {},
        "Every token looks back at the tokens before it, " +
          "in each head in its own way. Pick a head, then point at a token.",
      ),
      this.source.node,
      this.body,
    );
    this.scope.on(this.root, "keydown", (event) => {
      const typing = event.target.closest(
        "input, select, textarea, [role=grid]",
      );
      const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
      if (!typing && plain && this.key(event.key)) {
        event.preventDefault();
      }
    });
  }

  // From and to the address.

  read(p) {
    const number = (name, fallback) =>
      p[name] !== undefined && Number.isFinite(Number(p[name]))
        ? Number(p[name])
        : fallback;
    const s = this.state;
    this.named = p.layer !== undefined;
    s.layer = number("layer", s.layer);
    s.head = number("head", s.head);
    s.q = number("q", null);
    s.k = number("k", null);
    s.gamma = Math.min(1, Math.max(0.15, number("gamma", 0.5)));
    s.weighted = p.weighted === "1";
    s.nosink = p.nosink === "1";
    s.how = ["mean", "max"].includes(p.how) ? p.how : "head";
    s.sort = SORTS[p.sort] ? p.sort : "layer";
    s.chosen = new Set(
      (p.heads ?? "").split(",").filter((x) => /^\d+\.\d+$/.test(x)),
    );
    this.zoomTo = p.zoom?.split(",").map(Number);
  }

  writeNow() {
    const s = this.state;
    const { matrix } = this.view;
    const text = this.found?.text ?? "";
    const shown = {
      run: this.run?.run ?? null,
      model: this.run?.model ?? null,
      text: text.length > 2000 ? null : text || null,
    };
    this.off.href = this.app.href("compare", {
      mode: "whatif",
      off: keyOf(s.layer, s.head),
      ...shown,
    });
    this.app.setParams({
      layer: s.layer,
      head: s.head,
      q: s.q,
      k: s.k,
      gamma: s.gamma === 0.5 ? null : s.gamma,
      weighted: s.weighted ? 1 : null,
      nosink: s.nosink ? 1 : null,
      how: s.how === "head" ? null : s.how,
      sort: s.sort === "layer" ? null : s.sort,
      heads: s.how !== "head" && s.chosen.size ? [...s.chosen].join(",") : null,
      ...shown,
      zoom: matrix.fitted()
        ? null
        : [matrix.scale / matrix.fit(), matrix.x, matrix.y]
            .map((x) => Number(x.toFixed(2)))
            .join(","),
    });
  }

  /** Soon: browsers limit how often the address may change. */
  write() {
    clearTimeout(this.writing);
    this.writing = setTimeout(() => this.writeNow(), 200);
  }

  update(params) {
    this.read(params);
    if (params.run !== this.run?.run) {
      this.open(params);
    } else {
      this.refresh();
    }
  }

  unmount() {
    this.scope.end();
    clearTimeout(this.writing);
    this.view.destroy();
    this.sheet.destroy();
    dropPictures();
  }

  // The run.

  open(params) {
    return this.source.busy(() => findRun(this.app, params, this.scope.signal));
  }

  async showRun(found) {
    this.source.show(found);
    this.body.hidden = !found;
    if (!found || this.scope.signal.aborted) {
      return;
    }
    if (this.run && this.run.tokens.length !== found.run.tokens.length) {
      this.state.q = this.state.k = null;
    }
    this.live = null;
    this.found = found;
    this.run = found.run;
    this.layers =
      this.run.layers ?? Array.from({ length: this.run.n_layers }, (_, n) => n);
    this.inRange();
    this.view.setRun(this.run);
    this.refresh();
    await this.sheet.setRun(this.run, this.scope.signal);
    this.sheet.say();
    if (!this.named && !this.live) {
      // The first look: a head that shows something.
      const best = sorted(this.sheet.heads, "induction")[0];
      const { layer, head } =
        best.induction >= 0.3 ? best : sorted(this.sheet.heads, "prev")[0];
      Object.assign(this.state, { layer, head, k: null });
      this.named = true;
      this.refresh();
    }
    this.showSheetTable();
  }

  /** Brings what the address said of another model into range. */
  inRange() {
    const { state, run, layers } = this;
    const known = (layer, head) => layers.includes(layer) && head < run.n_heads;
    if (!known(state.layer, state.head)) {
      Object.assign(state, { layer: layers[0], head: 0 });
    }
    state.chosen = new Set(
      [...state.chosen]
        .filter((key) => known(...key.split(".").map(Number)))
        .slice(0, MOST),
    );
  }

  heads() {
    return this.live
      ? this.live.heads
      : Array.from({ length: this.run.n_heads }, (_, n) => n);
  }

  /** Everything by the state. */
  refresh() {
    const { state } = this;
    if (!this.run && !this.live) {
      return;
    }
    this.tools.show(
      state,
      this.live ? [state.layer] : this.layers,
      this.heads(),
      Boolean(this.live),
    );
    this.sort.value = state.sort;
    this.sheet.setSort(state.sort);
    this.sheet.setCurrent(state.layer, state.head);
    this.sheet.setChosen(state.how === "head" ? new Set() : state.chosen);
    this.sheet.say();
    this.recolour();
    this.view.refresh();
    if (this.zoomTo?.every(Number.isFinite)) {
      const [by, x, y] = this.zoomTo;
      this.view.matrix.setView(by * this.view.matrix.fit(), x, y);
      this.zoomTo = null;
    }
    this.write();
  }

  recolour() {
    const { gamma } = this.state;
    this.sheet.setLook({ gamma, theme: this.app.theme() });
    this.view.recolour();
  }

  showSheetTable() {
    if (!this.sheetTable.hidden && this.run) {
      fill(
        this.sheetTable,
        tableOf(this.sheet.data(), "Scores of all heads", 3),
      );
    }
  }

  // Live: the module comes when it is wanted.

  async writeLive() {
    await (await import("./live.js")).write(this);
  }

  async generation(g, what) {
    if (g.tokens[0]?.attn) {
      await (await import("./live.js")).follow(this, g, what);
    }
  }

  // Choices.

  change(patch) {
    this.named = true;
    Object.assign(this.state, patch);
    if (patch.how && patch.how !== "head" && !this.state.chosen.size) {
      this.state.chosen.add(keyOf(this.state.layer, this.state.head));
    }
    if (Object.keys(patch).every((name) => name === "gamma")) {
      this.recolour();
      this.write();
    } else if (patch.sort) {
      this.sheet.setSort(patch.sort);
      this.write();
    } else {
      this.refresh();
    }
  }

  pick(layer, head) {
    const { how, chosen } = this.state;
    if (how === "head" || this.live) {
      this.change(this.live ? { head } : { layer, head });
      return;
    }
    const key = keyOf(layer, head);
    const next = new Set(chosen);
    if (!next.delete(key) && next.size < MOST) {
      next.add(key);
    }
    this.change({ layer, head, chosen: next });
  }

  step(what, by) {
    const list = what === "head" ? this.heads() : this.layers;
    const now = list.indexOf(this.state[what]);
    const to = list[(now + by + list.length) % list.length];
    if (!(this.live && what === "layer")) {
      this.change({ [what]: to });
      this.app.announce(`Layer ${this.state.layer}, head ${this.state.head}`);
    }
  }

  key(key) {
    const steps = {
      "[": ["head", -1],
      "]": ["head", 1],
      "{": ["layer", -1],
      "}": ["layer", 1],
    };
    if (!this.view.tokens) {
      return false;
    }
    if (steps[key]) {
      this.step(...steps[key]);
    } else if (key === "t") {
      this.view.tableButton.click();
    } else {
      return false;
    }
    return true;
  }
}

export function mount(root, app, params) {
  return new AttentionView(root, app, params);
}
