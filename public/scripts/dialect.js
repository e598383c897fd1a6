// SPDX-License-Identifier: MIT
//
// From Markdown to HTML text: marked (CommonMark and GitHub's tables, task
// lists, strikethrough, bare addresses), and what the pages have besides:
// footnotes, maths, callouts, <details> of one fixed form. All other HTML is
// dropped, comments too. What comes out is not trusted: markdown-renderer.js
// sends it through DOMPurify.

import { TooMuch, clocks, isDeep } from "./limits.js";

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escape = (text) => text.replace(/[&<>"]/g, (c) => ESCAPES[c]);
/** The same where &ouml; stands for a letter. */
const escapeText = (text) =>
  text.replace(/[<>"]|&(?!#?\w{1,32};)/g, (c) => ESCAPES[c]);

// --- before marked -----------------------------------------------------------

const FENCE = /^ {0,3}(`{3,}|~{3,})([^\n]*)$/;

/** Calls line(text, inCode) for each line; what it returns takes its place. */
export function mapLines(markdown, line) {
  let open = null; // the marks that began a block of code
  return markdown
    .split("\n")
    .map((text) => {
      const [, marks, rest] = FENCE.exec(text) ?? [];
      if (!open && marks && !(marks[0] === "`" && rest.includes("`"))) {
        open = marks;
        return line(text, true);
      }
      const now = line(text, open !== null);
      const closes = open && marks?.startsWith(open) && !rest.trim();
      if (closes) open = null;
      return now;
    })
    .join("\n");
}

const VALUE = /<!-- (?:value: (?:(?!-->).)*|\/value )-->/g;

/** Without the comments that say where a number comes from: at the begin of a
 * line they would make HTML of all of it. */
export const withoutValues = (markdown) =>
  mapLines(markdown, (text, code) => (code ? text : text.replace(VALUE, "")));

// --- blocks ------------------------------------------------------------------

const DETAILS = /^<details>[ \t]*\n[ \t]*<summary>(.{0,500}?)<\/summary>[ \t]*(?:\n|$)/;
const LINE = /^ {0,3}(?:(`{3,}|~{3,})([^\n]*)|<(\/?)details>[ \t]*)$/gm;

/** Where the </details> that belongs to the one before `from` begins and ends,
 * or null. */
function endOfDetails(text, from) {
  let depth = 1;
  let open = null;
  LINE.lastIndex = from;
  for (let m = LINE.exec(text); m; m = LINE.exec(text)) {
    const [whole, marks, rest, slash] = m;
    if (marks) {
      if (!open) open = marks;
      else if (marks.startsWith(open) && !rest.trim()) open = null;
    } else if (!open) {
      depth += slash ? -1 : 1;
      if (depth === 0) return { begin: m.index, end: m.index + whole.length };
    }
  }
  return null;
}

/** Blocks inside a block, with the lexer's state as it was. */
function blocks(lexer, text) {
  const { top } = lexer.state;
  lexer.state.top = true;
  const tokens = lexer.blockTokens(text, []);
  lexer.state.top = top;
  return tokens;
}

const details = {
  name: "details",
  level: "block",
  tokenizer(src) {
    const head = DETAILS.exec(src);
    const end = head && endOfDetails(src, head[0].length);
    if (!end) return undefined;
    const body = src.slice(head[0].length, end.begin);
    const summary = [];
    this.lexer.inline(head[1], summary);
    const raw = src.slice(0, end.end);
    return { type: "details", raw, summary, tokens: blocks(this.lexer, body) };
  },
  renderer({ summary, tokens }) {
    const head = this.parser.parseInline(summary);
    return `<details><summary>${head}</summary>\n${this.parser.parse(tokens)}</details>\n`;
  },
};

const NOTE = new RegExp(
  // [^label]: its first line and those that go on with it,
  "^ {0,3}\\[\\^([^\\]\\s]{1,80})\\]:[ \\t]*" +
    "([^\\n]*(?:\\n(?! {0,3}\\[\\^[^\\]\\s]{1,80}\\]:)[ \\t]*[^\\s][^\\n]*)*" +
    // and paragraphs that are indented.
    "(?:\\n(?:[ \\t]*\\n)+(?: {4}|\\t)[ \\t]*[^\\s][^\\n]*(?:\\n[ \\t]*[^\\s][^\\n]*)*)*)(?:\\n|$)",
);

/** Notes are numbered by their first use. */
function footnotes() {
  const texts = new Map(); // label -> tokens
  const used = new Map(); // label -> {number, uses}
  const key = (label) => label.toLowerCase();
  const definition = {
    name: "note",
    level: "block",
    tokenizer(src) {
      const m = NOTE.exec(src);
      if (!m) return undefined;
      const body = m[2].replace(/^(?: {4}|\t)/gm, "");
      if (!texts.has(key(m[1]))) {
        texts.set(key(m[1]), blocks(this.lexer, body));
      }
      return { type: "note", raw: m[0] };
    },
    renderer: () => "",
  };
  const reference = {
    name: "noteUse",
    level: "inline",
    tokenizer(src) {
      const m = /^\[\^([^\]\s]{1,80})\]/.exec(src);
      if (!m || !texts.has(key(m[1]))) return undefined;
      return { type: "noteUse", raw: m[0], label: key(m[1]) };
    },
    renderer({ label }) {
      const note = used.get(label) ?? { number: used.size + 1, uses: 0 };
      used.set(label, note);
      note.uses += 1;
      const place = `${note.number}${note.uses > 1 ? `-${note.uses}` : ""}`;
      return `<sup><a data-note="${note.number}" data-place="${place}">${note.number}</a></sup>`;
    },
  };
  /** The notes that were used; one may use another. */
  const render = (parser) => {
    let items = "";
    for (const [label, { number }] of used) {
      items += `<li data-note="${number}">${parser(texts.get(label))}</li>\n`;
    }
    return items && `<section class="md-notes"><ol>${items}</ol></section>`;
  };
  return { extensions: [definition, reference], render };
}

// --- maths, as GitHub reads it -----------------------------------------------

const maths = (tag, tex, display) =>
  `<${tag} class="md-maths"${display ? ' data-display="1"' : ""}>${escape(tex.trim())}</${tag}>`;

// A dollar between words is money. $`...`$ may hold what Markdown would read.
const INLINE =
  /^(?:\$`([^`]+)`\$|\$\$((?:\\[^]|[^\\$])+)\$\$|\$(?![\s$])((?:\\[^]|[^\\$])*?[^\s\\$]|(?:\\[^]|[^\\$])*?\\[^\s])\$(?![\w$]))/;
const MASK = /(?<![\\$\w])\$(?![\s$])(?:\\[^]|[^\\$])+\$(?![\w$])/g;

const inlineMaths = {
  name: "maths",
  level: "inline",
  start: (src) => src.indexOf("$"),
  tokenizer(src, tokens) {
    if (src[0] !== "$" || /[\w$\\]$/.test(tokens.at(-1)?.raw ?? "")) {
      return undefined;
    }
    const m = INLINE.exec(src);
    if (!m) return undefined;
    return {
      type: "maths",
      raw: m[0],
      text: m[1] ?? m[2] ?? m[3],
      display: m[2] !== undefined,
    };
  },
  renderer: ({ text, display }) => maths("span", text, display),
};

const mathsBlock = {
  name: "mathsBlock",
  level: "block",
  tokenizer(src) {
    const m = /^ {0,3}\$\$((?:[^\n]|\n(?![ \t]*\n))*?)\$\$[ \t]*(?:\n|$)/.exec(
      src,
    );
    return m?.[1].trim()
      ? { type: "mathsBlock", raw: m[0], text: m[1] }
      : undefined;
  },
  renderer: ({ text }) => maths("div", text, true),
};

// --- what marked itself reads, shown our way ---------------------------------

const SNIPPET = /^<!-- snippet: ([\w./-]{1,200})#[\w-]+ -->\s*$/;
const ALERT = /^\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\][ \t]*(?:\n|$)/;

/** Blockquotes become callouts; code learns which file it is from. */
function prepare(tokens) {
  const left = [tokens];
  while (left.length) {
    let source = null;
    for (const token of left.pop()) {
      if (token.type === "code" && source) token.source = source;
      if (token.type !== "space") {
        source = token.type === "html" ? SNIPPET.exec(token.raw)?.[1] : null;
      }
      if (token.type === "blockquote") callout(token);
      if (token.tokens) left.push(token.tokens);
      if (token.items) left.push(token.items);
    }
  }
}

function callout(token) {
  const [first] = token.tokens;
  const text = first?.type === "paragraph" ? first.tokens[0] : null;
  const m = text?.type === "text" && ALERT.exec(text.text);
  if (!m) return;
  token.kind = m[1].toLowerCase();
  text.text = text.text.slice(m[0].length);
  if (!text.text) first.tokens.shift();
  if (first.tokens[0]?.type === "br") first.tokens.shift();
  if (!first.tokens.length) token.tokens.shift();
}

const renderer = {
  html: () => "",
  text(token) {
    token.escaped = false; // marked trusts what stands between <pre> and </pre>
    return false;
  },
  blockquote({ tokens, kind }) {
    const body = this.parser.parse(tokens);
    return kind
      ? `<div class="md-callout" data-kind="${kind}">\n${body}</div>\n`
      : `<blockquote>\n${body}</blockquote>\n`;
  },
  code({ text, lang, source }) {
    const info = (lang ?? "").trim();
    const [language] = info.split(/\s/, 1);
    if (language === "math") return maths("div", text, true);
    const name = language ? ` class="language-${escapeText(language)}"` : "";
    const from = source ? ` data-source="${source}"` : "";
    const body = text && escape(`${text.replace(/\n$/, "")}\n`);
    return `<pre data-info="${escapeText(info)}"${from}><code${name}>${body}</code></pre>\n`;
  },
};

/** HTML text of a page, or TooMuch. `library` is marked's module; `ms` is what
 * much work may take. */
export function toHtml({ Marked }, markdown, ms) {
  if (isDeep(markdown)) throw new TooMuch("it is nested too deep");
  const notes = footnotes();
  const marked = new Marked({
    extensions: [
      ...[mathsBlock, details, ...notes.extensions, inlineMaths],
      ...clocks(ms),
    ],
    hooks: {
      // A star in a formula closes no emphasis.
      emStrongMask: (text) => text.replace(MASK, (m) => "a".repeat(m.length)),
      processAllTokens: (tokens) => (prepare(tokens), tokens),
    },
    renderer,
  });
  try {
    const html = marked.parse(withoutValues(markdown));
    return html + notes.render((inner) => (prepare(inner), marked.parser(inner)));
  } catch (error) {
    if (error instanceof RangeError) throw new TooMuch("it is nested too deep");
    throw error;
  }
}
