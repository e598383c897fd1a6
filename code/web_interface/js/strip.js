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
  const node = h("div.linked-text.mono", {
    role: "group",
    "aria-label": label,
  });
  let buttons = [];
  let marked = [];
  let colours = [];
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
    const button = h(
      "button.token",
      {
        type: "button",
        tabindex: t ? -1 : 0,
        dataset: { t },
        "aria-label": `${t}: ${visible(token)}`,
      },
      visible(token),
    );
    buttons.push(button);
    return plain(token).includes("\n") ? [button, h("br")] : button;
  };
  return {
    node,
    /** Appends when only the end is new. */
    setTokens(tokens, same = false) {
      if (!same) {
        buttons = [];
        colours = [];
        fill(node);
      }
      for (let t = buttons.length; t < tokens.length; t++) {
        node.append(...[add(tokens[t], t)].flat());
      }
    },
    /** A row's shares of colour by token. */
    tint(shares, theme) {
      buttons.forEach((button, t) => {
        const colour = t < shares.length ? cssColour(shares[t], theme) : "";
        if (colour !== colours[t]) {
          colours[t] = colour;
          button.style.backgroundColor = colour;
          button.style.color = colour && inkOn(shares[t], theme);
        }
      });
    },
    /** Scrolls only the text, not the page. */
    reveal(t) {
      const [top, height] = [buttons[t].offsetTop, node.clientHeight];
      if (top < node.scrollTop || top > node.scrollTop + height - 30) {
        node.scrollTop = top - height / 2;
      }
    },
    /** The two in focus. */
    mark(q, k) {
      marked.forEach((b) => b.classList.remove("is-query", "is-key"));
      marked = [buttons[q], buttons[k]].filter(Boolean);
      buttons[q]?.classList.add("is-query");
      buttons[k]?.classList.add("is-key");
    },
  };
}
