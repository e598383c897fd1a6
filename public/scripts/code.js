// SPDX-License-Identifier: MIT
//
// Blocks of code: colours of highlight.js, a button that copies, and a quiet
// line that says where the code is from and what the tests do with it (the
// words after the language, as `cpp run body` or `bash run exit=3`).

import { h } from "./dom.js";

const NAMES = {
  ...{ cpp: "cpp", "c++": "cpp", c: "cpp", h: "cpp", python: "python" },
  ...{ py: "python", bash: "bash", sh: "bash", shell: "bash", json: "json" },
  ...{ cmake: "cmake", diff: "diff", yaml: "yaml", yml: "yaml" },
};
const TITLES = {
  ...{ cpp: "C++", python: "Python", bash: "Shell", json: "JSON" },
  ...{ cmake: "CMake", diff: "Diff", yaml: "YAML" },
};
const LONGEST = 30000; // characters that get colours
const MOST = 400; // blocks that get a frame

/** highlight.js's name of a language, or null. */
export const languageOf = (word) =>
  Object.hasOwn(NAMES, word.toLowerCase()) ? NAMES[word.toLowerCase()] : null;

/** What the words after a block's language tell: {language, name, note}. */
export function readInfo(info) {
  const [, word, rest] = /^(\S*)\s*(.*)$/s.exec(info);
  const out = { language: languageOf(word), word, name: "", note: "" };
  const reason = /^(?:body )?(skip|fails): ?(.*)$/s.exec(rest);
  const flag = (name) => new RegExp(`(?:^|\\s)${name}(?:\\s|$)`).test(rest);
  const value = (name) =>
    new RegExp(`(?:^|\\s)${name}=(\\S+)`).exec(rest)?.[1] ?? "";
  if (reason) {
    const [, kind, text] = reason;
    out.note = kind === "skip" ? `not run: ${text}` : `must not compile: ${text}`;
  } else if (flag("run")) {
    const status = value("exit");
    out.note = `runs in the tests${status && `, exit status ${status}`}`;
  } else if (flag("syntax")) out.note = "compiled in the tests";
  else if (flag("mac")) out.note = "only on a Mac";
  else if (flag("output")) out.name = "Output";
  if (value("file")) out.name = value("file");
  if (value("append")) out.name = `${value("append")} (added at its end)`;
  return out;
}

function copyButton(code) {
  const label = h("span", "Copy");
  const button = h(
    "button.md-copy",
    { type: "button", "aria-label": "Copy this code" },
    label,
  );
  const say = (text, spoken) => {
    label.textContent = text;
    button.setAttribute("aria-label", spoken);
    setTimeout(() => {
      label.textContent = "Copy";
      button.setAttribute("aria-label", "Copy this code");
    }, 2000);
  };
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      say("Copied", "Copied");
    } catch {
      getSelection().selectAllChildren(code); // then it is one key more
      say("Press Ctrl C", "Selected; copy it with Ctrl C");
    }
  });
  return button;
}

/** Puts a frame around every block below `root`; returns the elements <code>
 * that can have colours: [{code, language}]. */
export function frameCode(root) {
  const out = [];
  for (const pre of [...root.querySelectorAll("pre")].slice(0, MOST)) {
    const code = pre.firstElementChild;
    if (code?.nodeName !== "CODE") continue;
    const info = readInfo(pre.dataset.info ?? "");
    const name = pre.dataset.source || info.name;
    const output = info.name === "Output";
    const title = output ? "" : (TITLES[info.language] ?? "");
    const head = h(
      "div.md-code-head",
      h("span.md-code-name", name || title),
      h("span.md-code-note", info.note),
      copyButton(code),
    );
    const box = h(output ? "div.md-code.md-output" : "div.md-code", head);
    pre.replaceWith(box);
    box.append(pre);
    if (info.language && code.textContent.length <= LONGEST) {
      out.push({ code, language: info.language });
    }
  }
  return out;
}

/** The function colour({code, language}), with the languages that are wanted.
 * `vendor` is the folder of highlight.js. */
export async function colours(wanted, vendor, safe) {
  const names = [...new Set(wanted.map((w) => w.language))];
  const load = async (file) =>
    (await import(new URL(`highlight/${file}.min.js`, vendor).href)).default;
  const [engine, ...languages] = await Promise.all(
    ["core", ...names].map(load),
  );
  names.forEach((name, i) => engine.registerLanguage(name, languages[i]));
  return ({ code, language }) => {
    const { value } = engine.highlight(code.textContent, { language });
    const fragment = safe.code(value);
    if (fragment.textContent === code.textContent) code.replaceChildren(fragment);
  };
}
