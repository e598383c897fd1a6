// SPDX-License-Identifier: MIT
//
// One attention matrix on a canvas, queries down, keys across. A tile becomes a
// bitmap once; zoom and pan draw it again. A second canvas has axes and cross
// (overlay.js). For keyboards and screen readers: a grid whose one cell moves.

import { h } from "./dom.js";
import { gestures } from "./gestures.js";
import { drawOverlay, inks } from "./overlay.js";
import { pixelTable } from "./palette.js";

const LARGEST = 56; // CSS pixels of a cell
const clamp = (x, low, high) => Math.min(Math.max(x, low), Math.max(low, high));

/** {s, codes} -> ImageBitmap; nothing is drawn above the diagonal. */
export function bitmapOf({ s, codes }, table) {
  const image = new ImageData(s, s);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0, n = 0; i < s; i++) {
    for (let j = 0; j <= i; j++) {
      pixels[i * s + j] = table[codes[n++]];
    }
  }
  const canvas = new OffscreenCanvas(s, s);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas.transferToImageBitmap();
}

export class Matrix {
  /** handlers: onCell(q, k, how) with how = "hover" | "key" | "pin", onLeave(),
   * onKey(key) for what the grid does not know itself -> true if used, onView()
   * when zoom or place changed. */
  constructor(label, handlers) {
    this.handlers = handlers;
    this.tokens = [];
    this.T = 0;
    this.cell = null;
    this.look = { gamma: 0.5, theme: "light" };
    Object.assign(this, { scale: 1, x: 0, y: 0, side: 0, margin: 64 });
    this.picture = h("canvas.matrix-picture", {
      role: "img",
      "aria-label": label,
    });
    this.picture.matrix = this; // for tests: picture.matrix.rectOf(q, k)
    this.over = h("canvas.matrix-over", { "aria-hidden": "true" });
    this.tip = h("div.matrix-tip", { "aria-hidden": "true", hidden: true });
    this.probe = h("span.matrix-probe", { "aria-hidden": "true" });
    this.gridcell = h(
      "div",
      { role: "gridcell", "aria-selected": "true" },
      this.picture,
      this.over,
    );
    this.row = h("div", { role: "row" }, this.gridcell);
    this.grid = h(
      "div.matrix-grid",
      {
        role: "grid",
        tabindex: "0",
        "aria-label": label,
      },
      this.row,
    );
    this.node = h("div.matrix", {}, this.probe, this.grid, this.tip);
    this.listen();
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.node);
  }

  destroy() {
    this.observer.disconnect();
    this.gestures();
    cancelAnimationFrame(this.frame);
    this.bitmap?.close();
    this.bitmap = this.plane = null;
  }

  // What is shown.

  setLabel(label) {
    this.grid.setAttribute("aria-label", label);
  }

  setTokens(tokens) {
    const fitted = this.fitted();
    this.tokens = tokens;
    this.T = tokens.length;
    this.grid.setAttribute("aria-rowcount", this.T);
    this.grid.setAttribute("aria-colcount", this.T);
    if (this.cell && this.cell.q >= this.T) {
      this.cell = null;
    }
    this.setView(fitted ? 0 : this.scale, this.x, this.y);
  }

  /** {s, T, codes}, or null for nothing yet. */
  setPlane(plane) {
    this.plane = plane;
    this.recolour();
  }

  setLook(look) {
    Object.assign(this.look, look);
    this.recolour();
  }

  recolour() {
    const old = this.bitmap;
    this.bitmap =
      this.plane &&
      bitmapOf(this.plane, pixelTable(this.look.gamma, this.look.theme));
    old?.close();
    this.colours = null;
    this.draw();
  }

  /** Where the crosshair is; `reveal`: bring it into sight. */
  setCell(q, k, reveal = false) {
    this.cell =
      q === null ? null : { q, k: k === null ? null : Math.min(k, q) };
    if (this.cell) {
      this.row.setAttribute("aria-rowindex", q + 1);
      this.gridcell.setAttribute("aria-colindex", (this.cell.k ?? 0) + 1);
      if (reveal) this.reveal();
    }
    this.later();
  }

  /** Moves the cell into sight. */
  reveal() {
    const room = this.side / this.scale;
    const { q, k } = this.cell;
    if (k !== null) this.x = clamp(this.x, k - room + 1, k);
    this.y = clamp(this.y, q - room + 1, q);
    this.keepInside();
  }

  /** What the picture says now, for screen readers; a hint beside the cell. */
  setSummary(text) {
    this.picture.setAttribute("aria-label", text);
  }

  setTip(text) {
    this.tip.hidden = !text || !this.cell;
    if (this.tip.hidden) {
      return;
    }
    this.tip.textContent = text;
    const { side, margin, scale, cell } = this;
    const left = margin + (cell.k + 1 - this.x) * scale + 10;
    const top = margin + (cell.q - this.y) * scale - 34;
    const room = side + margin - this.tip.offsetWidth;
    this.tip.style.left = `${clamp(left, 0, room)}px`;
    this.tip.style.top = `${clamp(top, 0, side + margin - 30)}px`;
  }

  // Zoom and place. x, y: the token at the left and the upper edge.

  fit() {
    return this.side / Math.max(1, this.T);
  }

  fitted() {
    return this.scale <= this.fit() * 1.001;
  }

  /** Pixels of the screen that the whole matrix would take. */
  extent() {
    return this.T * this.scale * devicePixelRatio;
  }

  setView(scale, x, y) {
    Object.assign(this, { scale, x, y });
    this.keepInside();
    this.later();
  }

  keepInside() {
    if (!this.side) {
      return; // not laid out yet
    }
    this.scale = clamp(this.scale, this.fit(), LARGEST);
    const room = this.side / this.scale;
    this.x = clamp(this.x, 0, this.T - room);
    this.y = clamp(this.y, 0, this.T - room);
    // At rest a finger scrolls the page, zoomed in it moves the picture.
    this.grid.style.touchAction = this.fitted() ? "pan-y" : "none";
  }

  /** Zooms around a point of the plot (CSS pixels; the middle or the cell). */
  zoom(factor, px, py) {
    const cell = this.cell;
    const onCell = cell && px === undefined;
    px ??= cell ? (cell.k + 0.5 - this.x) * this.scale : this.side / 2;
    py ??= cell ? (cell.q + 0.5 - this.y) * this.scale : this.side / 2;
    const [tx, ty] = [this.x + px / this.scale, this.y + py / this.scale];
    const scale = clamp(this.scale * factor, this.fit(), LARGEST);
    this.setView(scale, tx - px / scale, ty - py / scale);
    if (onCell) this.reveal();
    this.handlers.onView?.();
  }

  zoomFit() {
    this.setView(0, 0, 0);
    this.handlers.onView?.();
  }

  /** The cell's place in the picture, in pixels of its canvas. */
  rectOf(q, k) {
    const unit = this.scale * devicePixelRatio;
    return { x: (k - this.x) * unit, y: (q - this.y) * unit, w: unit, h: unit };
  }

  // Drawing.

  resize() {
    const width = this.node.clientWidth;
    if (width < 40) {
      return;
    }
    const fitted = this.fitted();
    this.margin = width < 480 ? 46 : 72;
    this.side = Math.max(
      120,
      Math.floor(Math.min(width - this.margin - 1, innerHeight * 0.72, 640)),
    );
    const whole = this.side + this.margin + 1;
    for (const [canvas, size] of [
      [this.picture, this.side],
      [this.over, whole],
    ]) {
      canvas.width = canvas.height = Math.round(size * devicePixelRatio);
      canvas.style.width = canvas.style.height = `${size}px`;
    }
    this.picture.style.left = this.picture.style.top = `${this.margin}px`;
    this.grid.style.width = this.grid.style.height = `${whole}px`;
    this.setView(fitted ? 0 : this.scale, this.x, this.y);
    this.draw();
    this.handlers.onView?.();
  }

  later() {
    this.frame ??= requestAnimationFrame(() => this.draw());
  }

  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = null;
    if (!this.side) {
      return;
    }
    const context = this.picture.getContext("2d");
    context.clearRect(0, 0, this.picture.width, this.picture.height);
    if (this.bitmap) {
      const unit = this.scale * devicePixelRatio;
      context.imageSmoothingEnabled = false;
      context.drawImage(
        this.bitmap,
        -this.x * unit,
        -this.y * unit,
        this.T * unit,
        this.T * unit,
      );
    }
    this.colours ??= inks(this.probe);
    drawOverlay(
      this.over.getContext("2d"),
      this,
      this.colours,
      devicePixelRatio,
    );
  }

  // Keys.

  listen() {
    this.gestures = gestures(this);
    this.grid.addEventListener("keydown", (e) => this.key(e));
  }

  key(event) {
    if (event.altKey || !this.T) {
      return;
    }
    const { q, k } = this.cell ?? { q: this.T - 1, k: 0 };
    const far = event.shiftKey ? 10 : 1;
    const command = event.ctrlKey || event.metaKey;
    const cells = {
      ArrowUp: [q - far, k],
      ArrowDown: [q + far, k],
      ArrowLeft: [q, k - far],
      ArrowRight: [q, k + far],
      PageUp: [q - 10, k],
      PageDown: [q + 10, k],
      Home: command ? [0, 0] : [q, 0],
      End: command ? [this.T - 1, this.T - 1] : [q, q],
    };
    const to = cells[event.key];
    if (to) {
      const row = clamp(to[0], 0, this.T - 1);
      this.handlers.onCell(row, clamp(to[1], 0, row), "key");
    } else if (command) {
      return;
    } else if (event.key === "+" || event.key === "=") {
      this.zoom(1.5);
    } else if (event.key === "-") {
      this.zoom(1 / 1.5);
    } else if (event.key === "0") {
      this.zoomFit();
    } else if (event.key === "Enter") {
      this.handlers.onCell(q, k, "pin");
    } else if (!this.handlers.onKey?.(event.key)) {
      return;
    }
    event.preventDefault();
  }
}
