// SPDX-License-Identifier: MIT
//
// The keys of the reader. Those without Ctrl can be switched off, because a
// voice that is taken for typing would press them.

import { h, memory } from "./dom.js";

const SWITCH = "single-keys";
const KEYS = [
  ["/", "search all pages (also Ctrl K)"],
  ["n", "the next page"],
  ["p", "the page before"],
  ["?", "this list"],
];

const typing = (node) =>
  node.closest?.("input, textarea, select, [contenteditable]");

function helpDialog() {
  const box = h("input", {
    type: "checkbox",
    checked: memory.get(SWITCH) !== "off",
    on: { change: () => memory.set(SWITCH, box.checked ? "on" : "off") },
  });
  return h(
    "dialog.reader-help",
    { "aria-labelledby": "reader-keys" },
    h(
      "form",
      { method: "dialog" },
      h("h2", { id: "reader-keys" }, "Keys"),
      h(
        "dl",
        KEYS.map(([key, what]) => [h("dt", h("kbd", key)), h("dd", what)]),
      ),
      h("label", box, "Use these keys"),
      h("button.reader-button", { type: "submit" }, "Close"),
    ),
  );
}

/** Listens for `reader`; returns the function that stops it. */
export function keyboard(reader, root) {
  let help = null;
  const openHelp = () => {
    if (!help) root.append((help = helpDialog()));
    help.showModal();
  };
  const actions = {
    "/": () => reader.search(),
    n: () => reader.step(1),
    p: () => reader.step(-1),
    ...(reader.inside ? {} : { "?": openHelp }),
  };
  const onKey = (event) => {
    const single = !event.ctrlKey && !event.metaKey && !event.altKey;
    const control = (event.ctrlKey || event.metaKey) && event.key === "k";
    if (document.querySelector("dialog[open]")) return;
    if (control) {
      event.preventDefault();
      reader.search();
    } else if (single && Object.hasOwn(actions, event.key)) {
      if (typing(event.target) || memory.get(SWITCH) === "off") return;
      event.preventDefault();
      actions[event.key]();
    }
  };
  document.addEventListener("keydown", onKey);
  if (!reader.inside) {
    root.querySelector(".reader-tools").append(
      h(
        "button.reader-button.reader-keys",
        { type: "button", "aria-label": "Keys", on: { click: openHelp } },
        "?",
      ),
    );
  }
  return () => document.removeEventListener("keydown", onKey);
}
