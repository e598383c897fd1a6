// SPDX-License-Identifier: MIT
//
// Names of headings: as GitHub makes them, so that one link works there and
// here. In the document they get the prefix "doc-", so that no heading can take
// a name that the page itself uses.

import { h } from "./dom.js";

export const PREFIX = "doc-";

/** slug(text) is each time another one: "streams", "streams-1". */
export function slugger() {
  const seen = new Map();
  return (text) => {
    const plain = text
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, "")
      .replaceAll(" ", "-");
    let slug = plain;
    while (seen.has(slug)) {
      const count = seen.get(plain) + 1;
      seen.set(plain, count);
      slug = `${plain}-${count}`;
    }
    seen.set(slug, 0);
    return slug;
  };
}

/** Gives every heading below `root` its id and a link to itself; returns
 * [{level, id, text, element}]. href(id) is the address of a section. */
export function nameHeadings(root, href) {
  const slug = slugger();
  const out = [];
  for (const element of root.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    const text = element.textContent.trim();
    const level = Number(element.nodeName[1]);
    const id = slug(text);
    element.id = PREFIX + id;
    if (level > 1) {
      element.append(
        h(
          "a.md-anchor",
          { href: href(id), "aria-label": `Link to “${text}”` },
          h("span", { "aria-hidden": "true" }, "#"),
        ),
      );
    }
    out.push({ level, id, text, element });
  }
  return out;
}
