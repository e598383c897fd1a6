// SPDX-License-Identifier: MIT
//
// Taking things along: numbers as CSV or JSON, charts as SVG, canvases as PNG.
// Files are made here and go straight to the browser's downloads.

import { h } from "./dom.js";

function save(name, blob) {
  const url = URL.createObjectURL(blob);
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

const quoted = (value) => {
  let text = value === null || value === undefined ? "" : String(value);
  // A spreadsheet must not take a token like "=1+1" for a formula.
  if (typeof value === "string" && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** rows: objects with the same keys. */
export function toCSV(rows) {
  if (!rows.length) return "";
  const names = Object.keys(rows[0]);
  const lines = [names, ...rows.map((row) => names.map((n) => row[n]))];
  return `${lines.map((line) => line.map(quoted).join(",")).join("\r\n")}\r\n`;
}

export const saveCSV = (name, rows) =>
  save(`${name}.csv`, new Blob([toCSV(rows)], { type: "text/csv" }));

export const saveJSON = (name, value) =>
  save(
    `${name}.json`,
    new Blob([JSON.stringify(value, null, 1)], { type: "application/json" }),
  );

const PAINT = [
  "fill",
  "fill-opacity",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "stroke-opacity",
  "stroke-linejoin",
  "opacity",
  "font-family",
  "font-size",
  "font-weight",
  "text-anchor",
  "dominant-baseline",
];

/** The picture as it looks now: the style sheet's values become attributes. */
export function saveSVG(name, element) {
  const copy = element.cloneNode(true);
  const from = [element, ...element.querySelectorAll("*")];
  const to = [copy, ...copy.querySelectorAll("*")];
  from.forEach((node, i) => {
    const style = getComputedStyle(node);
    for (const p of PAINT) to[i].setAttribute(p, style.getPropertyValue(p));
    to[i].removeAttribute("class");
  });
  const box = element.getBoundingClientRect();
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", box.width);
  copy.setAttribute("height", box.height);
  const text = new XMLSerializer().serializeToString(copy);
  save(`${name}.svg`, new Blob([text], { type: "image/svg+xml" }));
}

export const savePNG = (name, canvas) =>
  new Promise((resolve) =>
    canvas.toBlob((blob) => {
      if (blob) save(`${name}.png`, blob);
      resolve();
    }, "image/png"),
  );

let menus = 0;

/** A button "Export" with a small menu: [{label, run}]. */
export function exportMenu(choices) {
  const id = `export-${++menus}`;
  const menu = h(
    "div.popover.menu",
    { id, popover: "auto" },
    choices.map(({ label, run }) =>
      h(
        "button.button.quiet",
        {
          type: "button",
          on: { click: () => (menu.hidePopover(), run()) },
        },
        label,
      ),
    ),
  );
  const button = h(
    "button.button.small.quiet",
    { type: "button", popovertarget: id },
    "Export",
  );
  // Beside its button, also where CSS cannot anchor yet.
  menu.addEventListener("toggle", (event) => {
    if (event.newState !== "open") return;
    const box = button.getBoundingClientRect();
    const width = menu.offsetWidth;
    menu.style.top = `${Math.min(box.bottom + 6, innerHeight - menu.offsetHeight - 8)}px`;
    menu.style.left = `${Math.max(8, Math.min(box.left, innerWidth - width - 8))}px`;
    menu.querySelector("button").focus();
  });
  return h("span.export", button, menu);
}
