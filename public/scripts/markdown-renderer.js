// SPDX-License-Identifier: MIT
//
// Shows Markdown in a page. The way of a text:
//   dialect.js  Markdown -> HTML text      (marked and our extensions)
//   safe.js     HTML text -> nodes         (DOMPurify; nothing is trusted)
//   here        ids, links, frames, formulas (KaTeX), colours (highlight.js)
// Its README is markdown-renderer-README.md. The libraries are in ../vendor; if
// they are absent, or a text is too much, the Markdown itself is shown.

import { colours, frameCode } from "./code.js";
import { toHtml } from "./dialect.js";
import { h, styleSheet } from "./dom.js";
import { PREFIX, nameHeadings } from "./headings.js";
import { TooMuch } from "./limits.js";
import { fetchText, safeAddress, safePicture, sanitizer } from "./safe.js";

const VENDOR = new URL("../vendor/", import.meta.url);
const LONGEST = 300000; // characters of a page
const MILLISECONDS = 300; // for much work on the way to HTML
const ELEMENTS = 10000; // of a page, about
// Deeper ones end the process of a browser that lays them out.
const FORMULAS = { most: 1000, longest: 2000, deepest: 150 };

const vendored = (file) => import(new URL(file, VENDOR).href);

let libraries = null;

/** marked and DOMPurify, once; rejects when they are not installed. */
function load() {
  libraries ??= Promise.all([
    vendored("marked.esm.js"),
    vendored("purify.min.js"),
  ]).then(([marked]) => ({ marked, safe: sanitizer(window.DOMPurify) }));
  return libraries;
}

/** The Markdown as it is, below a line that says why. */
export function showText(markdown, target, ...why) {
  target.replaceChildren(
    h("div.md-callout", { "data-kind": "note" }, h("p", ...why)),
    h("pre.md-text", markdown),
  );
  scrolling(target);
  return { title: "", headings: [], laidOut: false };
}

const turns = new WeakMap(); // target -> the render that it shows

/** Shows `markdown` in `target`. Options, all of them optional:
 *   base           what its addresses are relative to (the page's own address)
 *   section(id)    the address of one of its sections        ("#doc-" + id)
 *   link(text)     the address that a link really goes to, or null: as it is
 *   picture(text)  the same for a picture
 * Returns {title, headings: [{level, id, text, element}], laidOut}. */
export async function render(markdown, target, options = {}) {
  markdown = String(markdown ?? "");
  target.classList.add("md-page");
  const turn = {};
  turns.set(target, turn);
  const current = () => turns.get(target) === turn;
  let found;
  try {
    found = await load();
  } catch {
    return showText(
      markdown,
      target,
      ...["The libraries that lay out this page are not installed; ", h("code", "./tutorial vendor")],
      " fetches them. Here is its text.",
    );
  }
  if (!current()) return { title: "", headings: [], laidOut: false };
  try {
    return await layOut(found, markdown, target, options, current);
  } catch (error) {
    if (!(error instanceof TooMuch)) throw error;
    return showText(
      markdown,
      target,
      `This page cannot be laid out (${error.message}). Here is its text.`,
    );
  }
}

async function layOut({ marked, safe }, markdown, target, options, current) {
  if (markdown.length > LONGEST) throw new TooMuch("it is too long");
  const base = options.base ?? document.baseURI;
  const section = options.section ?? ((id) => `#${PREFIX}${id}`);
  const picture = (text) => {
    const address = options.picture?.(text) ?? text;
    const url = safePicture(address, base);
    return url && (address === text && !options.base ? text : url.href);
  };
  const html = toHtml(marked, markdown, MILLISECONDS);
  if (html.split("<").length > 2 * ELEMENTS) {
    throw new TooMuch("it has too many parts");
  }
  const page = safe.page(html, picture);
  const formulas = [...page.querySelectorAll(".md-maths")].slice(0, FORMULAS.most);
  const headings = nameHeadings(page, section);
  finish(page, { ...options, base, section });
  const code = frameCode(page);
  const absent = () => () => {}; // then the text of it stays
  const [setFormula, colour] = await Promise.all([
    formulas.length ? mathematics().catch(absent) : null,
    code.length ? colours(code, VENDOR, safe).catch(absent) : null,
  ]);
  if (!current()) return { title: "", headings: [], laidOut: false };
  const work = [
    ...formulas.map((node) => () => setFormula(node)),
    ...code.map((block) => () => colour(block)),
  ];
  // What fits into a blink is done before the page is seen.
  await inSlices(work, 100, () => target.replaceChildren(page), current);
  if (current()) scrolling(target);
  const title = headings.find((x) => x.level === 1)?.text ?? "";
  return { title, headings, laidOut: true };
}

/** Does `work` for `first` ms, calls show(), and then does the rest in pieces
 * so short that the page stays usable. */
async function inSlices(work, first, show, current) {
  let shown = false;
  let end = performance.now() + first;
  for (const job of work) {
    job();
    if (performance.now() < end) continue;
    if (!shown) show();
    shown = true;
    await new Promise((resolve) => setTimeout(resolve));
    if (!current()) return;
    end = performance.now() + 12;
  }
  if (!shown) show();
}

// --- links, pictures, notes, tables ------------------------------------------

function finish(page, { base, section, link }) {
  for (const a of page.querySelectorAll("a[data-note]")) {
    a.id = `${PREFIX}fnref-${a.dataset.place}`;
    a.href = section(`fn-${a.dataset.note}`);
    a.setAttribute("aria-label", `Note ${a.dataset.note}`);
  }
  for (const item of page.querySelectorAll("li[data-note]")) {
    item.id = `${PREFIX}fn-${item.dataset.note}`;
    const back = h(
      "a.md-back",
      { href: section(`fnref-${item.dataset.note}`), "aria-label": "Back to the text" },
      "↩",
    );
    (item.lastElementChild?.nodeName === "P" ? item.lastElementChild : item).append(" ", back);
  }
  for (const a of page.querySelectorAll("a[href]:not([data-note], .md-anchor, .md-back)")) {
    setLink(a, { base, section, link });
  }
  for (const image of page.querySelectorAll("img")) {
    if (image.hasAttribute("src")) image.decoding = "async";
    else image.replaceWith(h("span.md-no-picture", image.alt || "a picture"));
  }
  for (const box of page.querySelectorAll("input")) {
    box.type = "checkbox";
    box.disabled = true;
    box.setAttribute("aria-label", box.checked ? "done" : "to do");
    box.parentElement.closest("li")?.classList.add("md-task");
  }
  for (const table of page.querySelectorAll("table")) {
    const wrap = h("div.md-table");
    table.replaceWith(wrap);
    wrap.append(table);
    for (const th of table.querySelectorAll("th")) {
      if (!th.textContent.trim()) th.replaceWith(h("td", ...th.childNodes));
      else th.scope = "col";
    }
  }
  for (const box of page.querySelectorAll(".md-callout")) {
    const { kind } = box.dataset;
    box.prepend(h("p.md-callout-title", kind[0].toUpperCase() + kind.slice(1)));
  }
  const facts = page.querySelector("h1 + blockquote");
  if (facts?.querySelector("strong")?.textContent === "Level:") {
    facts.className = "md-facts";
  }
}

function setLink(a, { base, section, link }) {
  const text = a.getAttribute("href");
  const url = safeAddress(text, base);
  if (!url) return a.removeAttribute("href");
  const mine = text.startsWith("#") && text.length > 1;
  const address = mine ? section(decode(text.slice(1))) : link?.(text);
  if (address) return a.setAttribute("href", address);
  if (url.origin !== location.origin) {
    a.rel = "noopener noreferrer";
    if (url.protocol !== "mailto:") a.classList.add("md-outside");
  } else if (base !== document.baseURI) a.href = url.href;
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What is wider than the page can be scrolled with the keyboard. */
function scrolling(target) {
  const look = () => {
    for (const box of target.querySelectorAll("pre, .md-table, div.md-maths")) {
      const wide = box.scrollWidth > box.clientWidth + 1;
      if (!wide) box.removeAttribute("tabindex");
      else box.tabIndex = 0;
    }
  };
  new ResizeObserver(look).observe(target);
}

// --- formulas ----------------------------------------------------------------

const MACROS = {
  // These would set an attribute "style", which the policy of the page refuses.
  "\\pmb": "\\boldsymbol{#1}",
  "\\fcolorbox": "\\boxed{#3}",
};

/** The function that turns an element with TeX in it into a formula. */
async function mathematics() {
  const sheet = styleSheet(new URL("katex.min.css", VENDOR));
  await Promise.all([vendored("katex.min.js"), sheet]);
  return (node) => {
    const tex = node.textContent;
    if (tex.length > FORMULAS.longest) return;
    const made = document.createElement("span");
    try {
      window.katex.render(tex, made, {
        displayMode: node.hasAttribute("data-display"),
        throwOnError: true, // its own way to show errors needs that attribute
        strict: "ignore",
        trust: false,
        maxExpand: 300,
        maxSize: 20,
        macros: { ...MACROS },
      });
      if (depthOf(made) > FORMULAS.deepest) throw new Error("It is too deep.");
      node.replaceChildren(...made.childNodes);
    } catch (error) {
      node.classList.add("md-wrong");
      node.title = error.message;
    }
  };
}

function depthOf(root) {
  let deepest = 0;
  const left = [[root, 0]];
  while (left.length) {
    const [node, depth] = left.pop();
    deepest = Math.max(deepest, depth);
    for (const child of node.children) left.push([child, depth + 1]);
  }
  return deepest;
}

// --- <article data-markdown="page.md"></article> -----------------------------

async function mount(element) {
  const address = element.dataset.markdown;
  if (!address) return render(element.textContent, element);
  const markdown = await fetchText(address);
  if (markdown === null) {
    return element.replaceChildren(
      h("p.md-problem", "There is no page at ", h("code", address), "."),
    );
  }
  const base = new URL(address, document.baseURI).href;
  await render(markdown, element, { base });
  const id = decode(location.hash.slice(1)).replace(/^doc-/, "");
  if (id) document.getElementById(PREFIX + id)?.scrollIntoView();
}

for (const element of document.querySelectorAll("[data-markdown]")) {
  mount(element);
}
