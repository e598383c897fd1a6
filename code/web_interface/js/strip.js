// SPDX-License-Identifier: MIT
//
// The text below a matrix and linked with it: a token in focus moves the
// crosshair, the row in focus tints the text.

import { roving } from "./a11y.js";
import { fill, h } from "./dom.js";
import { cssColour, inkOn } from "./palette.js";
import { plain, visible } from "./tokens.js";

/** on: hover(t), leave(), pick(t), key(event) */
export function linkedText(label, on) {
  const node = h("div.linked-text.mono", { role: "group", "aria-label": label });
  let buttons = [];
  let marked = [];
  const indexOf = (event) => {
    const token = event.target.closest?.(".token");
    return token ? Number(token.dataset.t) : -1;
  };
  const at = (call) => (event) => {
    const t = indexOf(event);
    if (t >= 0) {
      call(t);
    }
  };
  node.addEventListener("pointerover", at(on.hover));
  node.addEventListener("focusin", at(on.hover));
  node.addEventListener("click", at(on.pick));
  node.addEventListener("pointerleave", on.leave);
  roving(node, ".token");
  const add = (token, t) => {
    const button = h("button.token", {
      type: "button", tabindex: t ? -1 : 0, dataset: { t }, "aria-label": `${t}: ${visible(token)}`,
    }, visible(token));
    buttons.push(button);
    return plain(token).includes("\n") ? [button, h("br")] : button;
  };
  return {
    node,
    /** Appends when only the end is new. */
    setTokens(tokens, same = false) {
      if (!same) {
        buttons = [];
        fill(node);
      }
      for (let t = buttons.length; t < tokens.length; t++) {
        node.append(...[add(tokens[t], t)].flat());
      }
    },
    /** The row's values by token (0..1, or null), and the two in focus. */
    show(values, q, k, theme) {
      buttons.forEach((button, t) => {
        const x = values && t <= q ? Math.sqrt(values[t]) : null;
        button.style.backgroundColor = x === null ? "" : cssColour(x, theme);
        button.style.color = x === null ? "" : inkOn(x, theme);
      });
      marked.forEach((b) => b.classList.remove("is-query", "is-key"));
      marked = [buttons[q], buttons[k]].filter(Boolean);
      buttons[q]?.classList.add("is-query");
      buttons[k]?.classList.add("is-key");
    },
  };
}
