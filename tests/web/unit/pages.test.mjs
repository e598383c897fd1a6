// SPDX-License-Identifier: MIT
//
// The parts of the reader that need no document: what the words after a fence
// mean, ids, links of the repository, search; and the rules for its files.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Book } from "../../../public/scripts/book.js";
import { readInfo } from "../../../public/scripts/code.js";
import { slugger } from "../../../public/scripts/headings.js";
import { find, sectionsOf } from "../../../public/scripts/search.js";

const PUBLIC = fileURLToPath(new URL("../../../public/", import.meta.url));
const read = (name) => readFileSync(PUBLIC + name, "utf8");

test("only the first word of a fence is its language", () => {
  const table = {
    "cpp run body": ["cpp", "", "runs in the tests"],
    "bash run exit=3": ["bash", "", "runs in the tests, exit status 3"],
    "cpp syntax body": ["cpp", "", "compiled in the tests"],
    "cpp body fails: no member named 'x'": ["cpp", "", "must not compile: no member named 'x'"],
    "bash skip: serves until Ctrl-C": ["bash", "", "not run: serves until Ctrl-C"],
    "bash mac": ["bash", "", "only on a Mac"],
    "cmake file=CMakeLists.txt": ["cmake", "CMakeLists.txt", ""],
    "cpp append=a.cpp": ["cpp", "a.cpp (added at its end)", ""],
    "text output rel=0.2": [null, "Output", ""],
    "C++": ["cpp", "", ""],
    constructor: [null, "", ""],
    "": [null, "", ""],
  };
  for (const [info, [language, name, note]] of Object.entries(table)) {
    const found = readInfo(info);
    assert.deepEqual([found.language, found.name, found.note], [language, name, note], info);
  }
});

test("ids are GitHub's", () => {
  const slug = slugger();
  const texts = ["What it is", "Set-up & ./tutorial start", "Café 世界", "Twice", "Twice", "Twice-1", "Twice", "★ 1.1", "", ""];
  assert.deepEqual(texts.map(slug), [
    "what-it-is", "set-up--tutorial-start", "café-世界", "twice", "twice-1", "twice-1-1", "twice-2", "-11", "", "-1",
  ]);
});

test("links of the repository", () => {
  const pages = [
    { slug: "a", file: "docs/a.md", title: "A" },
    { slug: "t", file: "../tutorials/t.md", title: "T" },
  ];
  for (const root of ["http://host/public/", "http://host/"]) {
    const book = new Book([{ group: "G", pages }], new URL(root));
    const [a, t] = book.pages.map((page) => book.path(page));
    assert.deepEqual([a, t], ["/public/docs/a.md", "/tutorials/t.md"]);
    assert.equal(book.address(a), `${root}docs/a.md`);
    assert.equal(book.address(t), "http://host/tutorials/t.md");
    assert.equal(book.address("/llm/x.h"), "http://host/llm/x.h");
    assert.equal(book.resolve(t, "../public/docs/a.md#x-1").page.slug, "a");
    assert.equal(book.resolve(t, "../public/docs/a.md#x-1").section, "x-1");
    assert.equal(book.resolve(a, "../../tutorials/t.md").page.slug, "t");
    assert.equal(book.resolve(a, "../../llm/nn/gelu.h").path, "/llm/nn/gelu.h");
    assert.equal(book.resolve(t, "../public/docs/figures/a.svg").path, "/public/docs/figures/a.svg");
    assert.equal(book.resolve(a, "../../../../x.md").path, "/x.md");
    for (const text of ["https://x.org", "//x.org/y", "mailto:a@b.c", "/etc/x", "javascript:x", "http://[", "http://repository"]) {
      assert.equal(book.resolve(a, text)?.page ?? null, null, text);
    }
  }
});

test("search finds sections, and titles count more", () => {
  const text = "# T\n\nIntro `code`.\n\n## KV cache ##\n\nKeys and _values_, `max_tokens`.\n\n```bash\n# no heading\nls\n```\n\n### KV cache\n\n<!-- value: a b -->7<!-- /value --> [link](x.md)\n\n> [!NOTE]\n> $x_i$ costs $5.\n\n$$\n\\operatorname{softmax}(x)\n$$\n";
  const sections = sectionsOf(text);
  assert.deepEqual(sections.map((s) => s.id), ["", "kv-cache", "kv-cache-1"]);
  assert.equal(sections[1].text, "Keys and values, max_tokens. # no heading ls");
  assert.equal(sections[2].text.trim(), "7 link x_i costs $5. softmax (x)");
  const page = { slug: "t", title: "Serving" };
  const other = { slug: "o", title: "Other" };
  const all = [
    ...sections.map((s) => ({ page, ...s })),
    { page: other, id: "x", heading: "X", text: "the kv cache of keys" },
  ];
  assert.equal(find(all, "kv cache")[0].id, "kv-cache");
  assert.deepEqual(find(all, "KEYS cache").map((s) => s.id), ["kv-cache", "x"]);
  assert.deepEqual(find(all, "serving")[0].id, "");
  assert.deepEqual(find(all, "cache zebra"), []);
  assert.deepEqual(find(all, "  "), []);
  assert.deepEqual(find(all, "(.*"), []);
});

test("its files are short, say what they are, and break no rule of the policy", () => {
  const bad = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|createContextualFragment|srcdoc|setAttribute\("style"|javascript:/;
  for (const name of readdirSync(`${PUBLIC}scripts`).filter((f) => f.endsWith(".js"))) {
    const text = read(`scripts/${name}`);
    assert.ok(text.startsWith("// SPDX-License-Identifier: MIT\n//\n// "), name);
    assert.ok(text.split("\n").length <= 300, `${name}: its length`);
    const code = text.replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
    assert.doesNotMatch(code, bad, name);
    const known = ["http://www.w3.org/2000/svg", "http://repository/"];
    const rest = known.reduce((all, one) => all.replaceAll(one, ""), code);
    assert.doesNotMatch(rest, /https?:\/\//, name);
  }
  for (const name of readdirSync(`${PUBLIC}styles`)) {
    assert.doesNotMatch(read(`styles/${name}`), /@import|url\(/, name);
  }
  assert.doesNotMatch(read("index.html"), /\son\w+=|\sstyle=|<style|https?:|<script(?![^>]* src=")/);
  assert.doesNotMatch(read("package-lock.json"), /https?:\/\/(?!opencollective|github\.com\/sponsors)|resolved/);
});

test("its colours and sizes are those of the web interface", () => {
  const app = readFileSync(fileURLToPath(new URL("../../../code/web_interface/styles.css", import.meta.url)), "utf8");
  const values = (css) => Object.fromEntries([...css.matchAll(/^ {2}(--[\w-]+):\s*([^;]+);/gm)].map(([, k, v]) => [k, v.replace(/\s+/g, " ")]));
  const mine = values(read("styles/page.css").split("\n}\n")[0]);
  const theirs = values(app.split("\n}\n")[0]);
  assert.ok(Object.keys(mine).length > 30);
  for (const [name, value] of Object.entries(mine)) assert.equal(value, theirs[name], name);
  assert.equal(read("favicon.svg"), readFileSync(fileURLToPath(new URL("../../../code/web_interface/favicon.svg", import.meta.url)), "utf8"));
});
