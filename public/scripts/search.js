// SPDX-License-Identifier: MIT
//
// Search over all pages: their text is fetched when the search is first opened,
// cut into sections, and looked through here. A section counts that has every
// word, in its title or its text; words in titles count more.

import { mapLines, withoutValues } from "./dialect.js";
import { h } from "./dom.js";
import { slugger } from "./headings.js";
import { fetchText } from "./safe.js";

const MOST = 12;

/** The words of a formula. */
const wordsOfTex = (tex) =>
  tex
    .replace(/\\(?:begin|end)\{\w+\}|\\[a-zA-Z]+|[{}$&\\]/g, " ")
    .replace(/\s*([_^])\s*/g, "$1");

/** Text of a line without the marks of Markdown. */
function plain(line) {
  return line
    .replace(/<!--.*?-->|<\/?(?:details|summary)>|\[!\w+\]/g, "")
    .replace(/\$[^$]+\$/g, wordsOfTex)
    .replace(/!?\[((?:[^\]\\]|\\.)*)\](?:\([^)]*\)|\[[^\]]*\])?/g, "$1")
    .replace(/^[\s>#*+|-]+|\|/g, " ")
    .replace(/[*`]+|(?<!\w)_+|_+(?!\w)/g, "")
    .replace(/\\([^\w\s])/g, "$1")
    .trim();
}

/** The text of a heading as it will be on the page, for its id. */
const headingText = (line) =>
  line
    .replace(/\s+#+\s*$/, "")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/(\*\*|\*|`|\$|(?<!\w)_|_(?!\w))/g, "")
    .replace(/\\([^\w\s])/g, "$1")
    .trim();

/** [{id, heading, text}] of a page; the first is what stands above any "##". */
export function sectionsOf(markdown) {
  const slug = slugger();
  const sections = [{ id: "", heading: "", lines: [] }];
  let tex = false; // between two lines $$
  mapLines(withoutValues(markdown), (line, code) => {
    const m = !code && /^ {0,3}(#{1,6})\s+(.*)$/.exec(line);
    if (!m) {
      if (!code && line.trim() === "$$") {
        tex = !tex;
        return line;
      }
      const text = code
        ? line.replace(/^ {0,3}[`~]{3,}.*$/, "")
        : tex
          ? wordsOfTex(line)
          : plain(line);
      if (text) sections.at(-1).lines.push(text);
      return line;
    }
    const heading = headingText(m[2]);
    const id = slug(heading);
    if (m[1].length > 1) sections.push({ id, heading, lines: [] });
    return line;
  });
  return sections.map(({ lines, ...rest }) => ({
    ...rest,
    text: lines.join(" ").replace(/\s+/g, " "),
  }));
}

/** The sections of all pages of a book: [{page, id, heading, text}]. */
export async function readBook(book) {
  const all = await Promise.all(
    book.pages.map(async (page) => {
      const markdown = await fetchText(book.address(book.path(page)));
      return sectionsOf(markdown ?? "").map((s) => ({ page, ...s }));
    }),
  );
  return all.flat();
}

const wordsOf = (text) =>
  text
    .toLowerCase()
    .split(/[^\p{L}\p{N}_:+#.-]+/u)
    .filter((word) => /[\p{L}\p{N}]/u.test(word));

/** The best sections for a query: [{page, id, heading, text, at}]; `at` is
 * where in the text the first word is, or -1. */
export function find(sections, query) {
  const words = wordsOf(query);
  if (!words.length) return [];
  const found = [];
  for (const section of sections) {
    const title = section.page.title.toLowerCase();
    const heading = section.heading.toLowerCase();
    const text = section.text.toLowerCase();
    let score = 0;
    for (const word of words) {
      const here =
        (heading.includes(word) ? 8 : 0) +
        (title.includes(word) ? (section.id ? 2 : 10) : 0) +
        (text.includes(word) ? 1 : 0);
      if (!here) score = -Infinity;
      score += here;
    }
    if (heading === words.join(" ")) score += 8;
    if (score > 0) found.push({ ...section, score, at: text.indexOf(words[0]) });
  }
  return found.sort((a, b) => b.score - a.score).slice(0, MOST);
}

/** `text` around `at`, with the words of the query marked. */
function excerpt({ text, at }, words) {
  const begin = at > 60 ? text.indexOf(" ", at - 50) + 1 : 0;
  const part = text.slice(begin, begin + 150);
  const out = [begin ? "… " : ""];
  const low = part.toLowerCase();
  let from = 0;
  while (from < part.length) {
    const next = words
      .map((word) => ({ word, i: low.indexOf(word, from) }))
      .filter((x) => x.i >= 0)
      .sort((a, b) => a.i - b.i || b.word.length - a.word.length)[0];
    if (!next) break;
    const end = next.i + next.word.length;
    out.push(part.slice(from, next.i), h("mark", part.slice(next.i, end)));
    from = end;
  }
  return [...out, part.slice(from), begin + 150 < text.length ? " …" : ""];
}

/** The window with the field and the results. href(slug, section) is the
 * address of a result. */
export function searchDialog(book, href) {
  let sections = null;
  const results = h("ol.reader-results");
  const count = h("p.reader-count", { role: "status" });
  const field = h("input", {
    type: "search",
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "Search all pages",
    "aria-label": "Search all pages",
  });
  const box = h(
    "dialog.reader-search",
    { "aria-label": "Search" },
    h("form", { method: "dialog" }, field, h("button.reader-button", { type: "submit" }, "Close")),
    count,
    results,
  );

  const show = () => {
    const words = wordsOf(field.value);
    const found = sections ? find(sections, field.value) : [];
    results.replaceChildren(
      ...found.map((r) =>
        h(
          "li",
          h(
            "a",
            { href: href(r.page.slug, r.id), on: { click: () => box.close() } },
            h("span.reader-where", r.page.title),
            h("b", r.heading || r.page.title),
            h("span.reader-excerpt", excerpt(r, words)),
          ),
        ),
      ),
    );
    if (!words.length) count.textContent = "";
    else if (!sections) count.textContent = "Reading the pages…";
    else if (!found.length) count.textContent = `Nothing has “${field.value.trim()}”.`;
    else count.textContent = found.length === 1 ? "1 section" : `${found.length === MOST ? "The best " : ""}${found.length} sections`;
  };

  const move = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const links = [...results.querySelectorAll("a")];
    if (event.key === "Escape") {
      event.preventDefault(); // would only empty the field
      box.close();
    }
    if (event.key === "Enter" && event.target === field) {
      event.preventDefault(); // would press Close
      links[0]?.click();
    }
    if (!step || !links.length) return;
    event.preventDefault();
    const at = links.indexOf(document.activeElement) + step;
    (at < 0 ? field : links[Math.min(at, links.length - 1)]).focus();
  };
  box.addEventListener("keydown", move);
  box.addEventListener("click", (event) => event.target === box && box.close());
  field.addEventListener("input", show);

  return {
    box,
    async open() {
      if (!box.open) box.showModal();
      field.select();
      if (sections) return;
      sections = await readBook(book);
      show();
    },
  };
}
