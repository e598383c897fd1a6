// SPDX-License-Identifier: MIT
//
// What the browser has to load for a view when it is the first one: at most
// 60 KB as gzip, each file by itself. Also: every module is short, says what it
// is, and no file asks for what the Content-Security-Policy refuses.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { dirname, join, relative } from "node:path";

const APP = fileURLToPath(new URL("../../../code/web_interface/", import.meta.url));
const read = (name) => readFileSync(join(APP, name), "utf8");
const modules = ["script.js", ...readdirSync(join(APP, "js")).filter((f) => f.endsWith(".js")).map((f) => `js/${f}`)];

function withImports(name, all = new Set()) {
  if (all.has(name)) return all;
  all.add(name);
  for (const [, path] of read(name).matchAll(/^(?:import|export)[^;]*? from "(\.[^"]+)";|^import "(\.[^"]+)";/gm)) {
    withImports(relative(APP, join(APP, dirname(name), path)), all);
  }
  return all;
}

test("each view loads at most 60 KB", () => {
  const views = [...read("script.js").matchAll(/import\("\.\/(js\/\w+\.js)"\)/g)].map((m) => m[1]);
  assert.equal(views.length, 6);
  const preloaded = [...read("index.html").matchAll(/modulepreload" href="([^"]+)"/g)].map((m) => m[1]);
  for (const view of views) {
    const files = new Set(["index.html", "styles.css", "views.css", "favicon.svg", ...preloaded]);
    for (const f of [...withImports("script.js"), ...withImports(view)]) files.add(f);
    const size = [...files].reduce((sum, f) => sum + gzipSync(read(f), { level: 9 }).length, 0);
    console.log(`# ${view}: ${size} bytes in ${files.size} files`);
    assert.ok(size <= 60000, `${view}: ${size} bytes`);
  }
});

test("modules are short and say what they are", () => {
  for (const name of modules) {
    const text = read(name);
    assert.ok(text.startsWith("// SPDX-License-Identifier: MIT\n//\n// "), `${name}: its head`);
    assert.ok(text.split("\n").length <= 400, `${name}: its length`);
  }
});

test("nothing that the Content-Security-Policy refuses, nothing from elsewhere", () => {
  const bad = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|createContextualFragment|srcdoc|setAttribute\("style"|javascript:/;
  for (const name of modules) {
    const code = read(name).replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
    assert.doesNotMatch(code, bad, name);
    assert.doesNotMatch(code.replaceAll("http://www.w3.org/2000/svg", ""), /https?:\/\//, name);
  }
  const page = read("index.html");
  assert.doesNotMatch(page, /\son\w+=|\sstyle=|<style|https?:|<script(?![^>]* src=")/);
  for (const css of ["styles.css", "views.css"]) assert.doesNotMatch(read(css), /@import|url\(/);
});
