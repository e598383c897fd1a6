// SPDX-License-Identifier: MIT
//
// A text as its tokens: one button each, coloured by how unexpected it was.
// The strip only ever grows at its end, in pieces that the browser need not lay
// out while they are out of sight, and a frame adds as many tokens as fit into
// its time. Arrow keys go from token to token.

import { roving } from "./a11y.js";
import { MEASURES, isUnlikely } from "./dist.js";
import { h, ticker } from "./dom.js";
import { plain, spoken, visible } from "./tokens.js";

const FRAME_MS = 8; // of a frame's 16 for new tokens
const PIECE = 120; // tokens, before a piece may end at the end of a line

export class TokenStrip {
  /** onPick(index) when a token is chosen. */
  constructor({ label, onPick }) {
    this.element = h("div.strip.mono", {
      role: "log",
      "aria-live": "off",
      "aria-label": label,
      tabindex: -1,
    });
    this.onPick = onPick;
    this.tick = ticker(() => this.#frame());
    this.element.addEventListener("click", (event) => {
      const button = event.target.closest("button.token");
      if (button) this.onPick(Number(button.dataset.i));
    });
    this.roving = roving(this.element, "button.token");
    this.clear();
  }

  clear() {
    this.tick.cancel();
    this.tokens = [];
    this.buttons = [];
    this.piece = null;
    this.picked = -1;
    this.wanted = -1;
    this.measure = this.measure ?? "surprise";
    this.element.replaceChildren();
  }

  /** The prompt, as quiet text before the tokens; of a long one the end. */
  setPrompt(text) {
    this.#open();
    const shown = text.length > 800 ? `… ${text.slice(-400)}` : text;
    this.piece.append(h("span.prompt", shown));
    if (text.endsWith("\n")) this.#close();
  }

  /** Shows `tokens` (the whole list; what is new is appended over the next
   * frames). */
  show(tokens) {
    this.tokens = tokens;
    if (this.buttons.length < tokens.length) this.tick();
  }

  setMeasure(measure) {
    this.measure = measure;
    this.buttons.forEach((b, i) => this.#paint(b, this.tokens[i]));
  }

  pick(i) {
    this.buttons[this.picked]?.removeAttribute("aria-current");
    this.picked = i;
    const button = this.buttons[i];
    if (!button) return; // it will be marked when it is appended
    button.setAttribute("aria-current", "true");
    this.roving.set(button);
  }

  /** Of a token, also of one that comes with a later frame. */
  focus(i) {
    this.wanted = this.buttons[i] ? -1 : i;
    this.buttons[i]?.focus();
  }

  #open() {
    if (this.piece) return;
    this.piece = h("div.piece");
    this.inPiece = 0;
    this.element.append(this.piece);
  }

  // Only a piece that is full may be left out of the layout.
  #close() {
    if (this.inPiece >= PIECE) this.piece.classList.add("full");
    this.piece = null;
  }

  #frame() {
    const end = performance.now() + FRAME_MS;
    let i = this.buttons.length;
    while (i < this.tokens.length && (i % 8 || performance.now() < end)) {
      this.#append(this.tokens[i], i);
      i++;
    }
    if (i < this.tokens.length) this.tick();
  }

  #append(token, i) {
    this.#open();
    const text = plain(token);
    const button = h("button.token", {
      type: "button",
      tabindex: i ? -1 : 0,
      dataset: { i },
    });
    // A trailing line end breaks the line after its mark.
    const lines = /\n+$/.exec(text)?.[0].length ?? 0;
    button.textContent = visible(token);
    this.#paint(button, token);
    this.buttons.push(button);
    this.piece.append(button);
    if (i === this.picked) this.pick(i);
    if (i === this.wanted) this.focus(i);
    this.inPiece++;
    if (lines && this.inPiece >= PIECE) this.#close();
    else for (let n = 0; n < lines; n++) this.piece.append(h("br"));
    if (!lines && this.inPiece >= 4 * PIECE && /[.!?]$/.test(text))
      this.#close();
  }

  #paint(button, token) {
    const measure = MEASURES[this.measure];
    button.className = `token h${measure.level(token)}${
      isUnlikely(token) ? " unlikely" : ""
    }`;
    button.setAttribute(
      "aria-label",
      `${spoken(token)}, ${measure.text(token)}`,
    );
  }
}
