// SPDX-License-Identifier: MIT
//
// The contact sheet: every head as a small picture on one canvas, below a clear
// button each; by layer, with brackets over heads that share a key/value head,
// or in the order of a score.

import { roving } from "./a11y.js";
import { fill, h, num } from "./dom.js";
import { pixelTable } from "./palette.js";

const GAP = 4;
const LABEL = 26; // of a row, CSS pixels

/** Orders of the sheet; `sign` -1: largest first. */
export const SORTS = {
  layer: { label: "Layer by layer" },
  prev: { label: "Previous token", sign: -1 },
  induction: { label: "Induction", sign: -1 },
  sink: { label: "Sink (first token)", sign: -1 },
  entropy: { label: "Sharpest", sign: 1 },
  distance: { label: "Looks furthest", sign: -1 },
};

/** [letter, name, does a head show it clearly?] */
export const PATTERNS = [
  ["P", "previous token", (x) => x.prev >= 0.4],
  ["I", "induction", (x) => x.induction >= 0.3],
  ["S", "sink: rests on the first token", (x) => x.sink >= 0.6],
  // Looking everywhere alike has the entropy ln(q + 1): in the mean ln T - 1.
  ["B", "broad", (x, T) => T >= 16 && x.entropy >= 0.85 * (Math.log(T) - 1)],
];

export const patternsOf = (scores, T) =>
  PATTERNS.filter(([, , shows]) => shows(scores, T));

const namesOf = (scores, T) =>
  patternsOf(scores, T)
    .map(([, name]) => name.split(":")[0])
    .join(", ");

/** The heads in an order. */
export function sorted(heads, by) {
  const { sign } = SORTS[by] ?? {};
  return sign
    ? [...heads].sort((a, b) => sign * (a[by] - b[by]))
    : [...heads].sort((a, b) => a.layer - b.layer || a.head - b.head);
}

/** All tiles as one image, row after row of `columns`, in the heads' order. */
function atlas({ codes, s, places }, columns, table) {
  const lines = Math.ceil(places.length / columns);
  const width = columns * s;
  const image = new ImageData(width, lines * s);
  const pixels = new Uint32Array(image.data.buffer);
  places.forEach((place, n) => {
    let from = place * s * s;
    let to = Math.floor(n / columns) * s * width + (n % columns) * s;
    for (let i = 0; i < s; i++, from += s, to += width) {
      for (let j = 0; j <= i; j++) {
        pixels[to + j] = table[codes[from + j]];
      }
    }
  });
  const canvas = new OffscreenCanvas(width, lines * s);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas.transferToImageBitmap();
}

export const keyOf = (layer, head) => `${layer}.${head}`;

export class Sheet {
  /** on: pick(layer, head), key(event) */
  constructor(app, on) {
    this.app = app;
    this.on = on;
    this.by = "layer";
    this.look = { gamma: 0.5, theme: app.theme() };
    this.chosen = new Set();
    this.canvas = h("canvas.sheet-picture", { "aria-hidden": "true" });
    this.buttons = h("div.sheet-grid", {
      role: "group",
      "aria-label": "All heads",
    });
    this.brackets = h("div.sheet-brackets", { "aria-hidden": "true" });
    this.info = h("p.sheet-info.muted", {}, "\u00a0");
    this.body = h("div.sheet-body", {}, this.canvas, this.buttons);
    this.scroll = h("div.sheet-scroll", {}, this.brackets, this.body);
    this.node = h("div.sheet", {}, this.info, this.scroll);
    this.buttons.addEventListener("click", (e) => this.use(e, on.pick));
    for (const type of ["pointerover", "focusin"]) {
      this.buttons.addEventListener(type, (e) =>
        this.use(e, (l, x) => this.say(l, x)),
      );
    }
    this.buttons.addEventListener("pointerleave", () => this.say());
    this.rover = roving(this.buttons, "button", {
      columns: () => this.run.n_heads,
    });
    this.observer = new ResizeObserver(() => this.layout());
    this.observer.observe(this.node);
  }

  destroy() {
    this.observer.disconnect();
    this.codes = null;
  }

  use(event, call) {
    const button = event.target.closest?.("button");
    if (button) {
      const [layer, head] = button.dataset.head.split(".").map(Number);
      call(layer, head);
    }
  }

  /** Fetches and paints. The measure "attention:sheet" is from here to the
   * first paint. */
  async setRun(run, signal) {
    performance.mark("attention:run");
    this.run = run;
    this.heads = null;
    this.scored = false;
    const size = this.tileSize();
    const answer = await this.app.api.binary(
      `/api/runs/${run.run}/thumbs?size=${size}`,
      { signal },
    );
    this.codes = new Uint8Array(answer.buffer);
    this.s = answer.shape[2];
    this.layers =
      run.layers ?? Array.from({ length: run.n_layers }, (_, n) => n);
    // Until the scores are there: just the places.
    this.heads = this.layers.flatMap((layer) =>
      Array.from({ length: run.n_heads }, (_, head) => ({
        layer,
        head,
        kv_group: Math.floor((head * run.n_kv_heads) / run.n_heads),
      })),
    );
    this.layout();
    performance.measure("attention:sheet", "attention:run");
    // After the picture: the server works on one thing at a time.
    const { heads: told } = await this.app.api.get(
      `/api/runs/${run.run}/heads`,
      { signal },
    );
    this.heads = this.heads.map(
      (place) =>
        told.find((x) => x.layer === place.layer && x.head === place.head) ??
        place,
    );
    this.scored = true;
    this.layout();
  }

  setSort(by) {
    this.by = SORTS[by] ? by : "layer";
    this.layout();
  }

  setLook(look) {
    Object.assign(this.look, look);
    performance.mark("attention:recolour-start");
    this.paint();
    performance.measure("attention:recolour", "attention:recolour-start");
  }

  setCurrent(layer, head) {
    this.current = keyOf(layer, head);
    this.mark();
  }

  setChosen(keys) {
    this.chosen = keys;
    this.mark();
  }

  /** CSS pixels of a tile, and texels, of which 64 are the most there are. */
  tileSize() {
    const room = (this.node.clientWidth || 480) - LABEL;
    const fit = Math.floor(room / this.run.n_heads) - GAP;
    return Math.max(24, Math.min(64, fit));
  }

  /** Buttons and brackets anew; then the picture. */
  layout() {
    if (!this.heads || !this.node.clientWidth) {
      return;
    }
    const focused = this.buttons.contains(document.activeElement);
    const flat = this.by !== "layer" && this.scored;
    const columns = this.run.n_heads;
    this.tile = this.tileSize();
    const [tile, T] = [this.tile, this.run.tokens.length];
    this.order = sorted(this.heads, flat ? this.by : "layer");
    this.places = this.order.map(
      ({ layer, head }) => this.layers.indexOf(layer) * this.run.n_heads + head,
    );
    const cells = this.order.map((x, n) => [
      n % columns === 0 &&
        h("span.sheet-row", { "aria-hidden": "true" }, flat ? "" : x.layer),
      this.button(x, flat, T),
    ]);
    fill(this.buttons, cells);
    this.buttons.style.gridTemplateColumns = `${LABEL - GAP}px repeat(${columns}, ${tile}px)`;
    this.buttons.style.gridAutoRows = `${tile}px`;
    this.buttons.style.gap = `${GAP}px`;
    this.drawBrackets(flat, columns);
    this.mark();
    if (focused) {
      this.buttons.querySelector("[aria-current]")?.focus();
    }
    this.paint();
  }

  button(x, flat, T) {
    const patterns = this.scored ? patternsOf(x, T) : [];
    const names = this.scored ? namesOf(x, T) : "";
    const score = flat
      ? `, ${SORTS[this.by].label.toLowerCase()} ${num(x[this.by], 2)}`
      : "";
    return h(
      "button.sheet-head",
      {
        type: "button",
        tabindex: -1,
        dataset: {
          head: keyOf(x.layer, x.head),
          kv: `${x.layer}.${x.kv_group}`,
        },
        "aria-label":
          `Layer ${x.layer}, head ${x.head}` +
          `${names && `: ${names}`}${score}`,
      },
      h(
        "span.sheet-badge",
        { "aria-hidden": "true" },
        flat
          ? x[this.by].toFixed(x[this.by] < 10 ? 2 : 0)
          : patterns.map(([letter]) => letter).join(""),
      ),
    );
  }

  drawBrackets(flat, columns) {
    const each = columns / this.run.n_kv_heads;
    fill(this.brackets);
    this.brackets.hidden = flat || each <= 1;
    if (this.brackets.hidden) {
      return;
    }
    for (let group = 0; group < this.run.n_kv_heads; group++) {
      const mark = h("span.sheet-bracket", {}, `KV ${group}`);
      mark.style.width = `${each * (this.tile + GAP) - GAP}px`;
      this.brackets.append(mark);
    }
    this.brackets.style.marginLeft = `${LABEL}px`;
    this.brackets.style.gap = `${GAP}px`;
  }

  paint() {
    if (!this.codes || !this.order) {
      return;
    }
    const { tile, s, canvas } = this;
    const columns = this.run.n_heads;
    const lines = Math.ceil(this.order.length / columns);
    const ratio = devicePixelRatio;
    const [width, height] = [columns, lines].map((n) => n * (tile + GAP) - GAP);
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    canvas.style.left = `${LABEL}px`;
    const image = atlas(
      this,
      columns,
      pixelTable(this.look.gamma, this.look.theme),
    );
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    for (let n = 0; n < this.order.length; n++) {
      const [column, line] = [n % columns, Math.floor(n / columns)];
      context.drawImage(
        image,
        column * s,
        line * s,
        s,
        s,
        Math.round(column * (tile + GAP) * ratio),
        Math.round(line * (tile + GAP) * ratio),
        Math.round(tile * ratio),
        Math.round(tile * ratio),
      );
    }
    image.close();
  }

  /** Which head is shown, which are chosen, which share its keys and values. */
  mark() {
    const current = this.buttons.querySelector(`[data-head="${this.current}"]`);
    const kv = current?.dataset.kv;
    const first = current ?? this.buttons.querySelector("button");
    if (first) {
      this.rover.set(first);
    }
    for (const button of this.buttons.querySelectorAll("button")) {
      const { head } = button.dataset;
      button.toggleAttribute("data-chosen", this.chosen.has(head));
      button.toggleAttribute("data-mate", button.dataset.kv === kv);
      if (head === this.current) {
        button.setAttribute("aria-current", "true");
      } else {
        button.removeAttribute("aria-current");
      }
    }
  }

  /** The line above the sheet, about a head (the current one by default). */
  say(layer, head) {
    const key = layer === undefined ? this.current : keyOf(layer, head);
    const x = this.heads?.find((y) => keyOf(y.layer, y.head) === key);
    if (!x) {
      return;
    }
    const names = this.scored ? namesOf(x, this.run.tokens.length) : "";
    fill(
      this.info,
      h("strong", {}, `Layer ${x.layer} · head ${x.head}`),
      this.run.n_kv_heads < this.run.n_heads ? ` · KV ${x.kv_group}` : "",
      names && ` · ${names}`,
      this.scored
        ? h(
            "span.sheet-scores",
            {},
            `previous ${num(x.prev, 2)}, induction ${num(x.induction, 2)}, ` +
              `sink ${num(x.sink, 2)}, entropy ${num(x.entropy, 2)}, ` +
              `distance ${num(x.distance, 2)}`,
          )
        : "",
    );
  }

  /** Rows of a table or file. */
  data() {
    const T = this.run?.tokens.length;
    return (this.order ?? []).map((x) => ({
      layer: x.layer,
      head: x.head,
      kv_head: x.kv_group,
      previous: x.prev,
      induction: x.induction,
      sink: x.sink,
      entropy: x.entropy,
      distance: x.distance,
      patterns: this.scored ? namesOf(x, T) : "",
    }));
  }
}
