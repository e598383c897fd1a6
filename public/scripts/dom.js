// SPDX-License-Identifier: MIT
//
// Elements made of text, never of HTML: h("p.lead", {id: "x"}, "text", node).

function add(node, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) add(node, child);
    else node.append(child instanceof Node ? child : String(child));
  }
  return node;
}

/** props: attributes as written, and on: {click: f}. */
export function h(tag, ...rest) {
  const [name, ...classes] = tag.split(".");
  const node = document.createElement(name);
  if (classes.length) node.className = classes.join(" ");
  const [first] = rest;
  const plain = first?.constructor === Object;
  for (const [key, value] of Object.entries(plain ? first : {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "on") {
      for (const [type, f] of Object.entries(value)) {
        node.addEventListener(type, f);
      }
    } else node.setAttribute(key, value === true ? "" : value);
  }
  return add(node, plain ? rest.slice(1) : rest);
}

const SVG = "http://www.w3.org/2000/svg";

/** A drawing of one path in a square of 24. */
export function icon(d) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", d);
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(path);
  return svg;
}

/** Once: the style sheet at this address. Resolves when it is there. */
export function styleSheet(address) {
  const url = new URL(address, document.baseURI).href;
  const found = [...document.querySelectorAll("link[rel=stylesheet]")];
  if (found.some((link) => link.href === url)) return Promise.resolve();
  return new Promise((resolve) => {
    const link = h("link", { rel: "stylesheet", href: url });
    link.addEventListener("load", resolve);
    link.addEventListener("error", resolve);
    document.head.append(link);
  });
}

/** What this browser remembers of us; storage may be forbidden. */
export const memory = {
  get(key) {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  },
  set(key, value) {
    try {
      localStorage.setItem(key, value);
    } catch {
      // then only until the page is closed
    }
  },
};
