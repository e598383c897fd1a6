// SPDX-License-Identifier: MIT
//
// A file of the repository that a page links to: Markdown as a page, code in
// colours, and for what this server does not have, its place.

import { h } from "./dom.js";
import { render } from "./markdown-renderer.js";
import { fetchText } from "./safe.js";

const TEXTS = {
  ...{ h: "cpp", cpp: "cpp", py: "python", sh: "bash", cmake: "cmake" },
  ...{ json: "json", yml: "yaml", yaml: "yaml", txt: "text", js: "text" },
  ...{ mjs: "text", css: "text", html: "text", toml: "text", svg: "text" },
};
const MOST = 200000;

/** Fills `made` with the file at `path` ("llm/nn/gelu.h"). */
export async function showSource(made, path, book, options) {
  const plain = /^[\w-][\w.-]*(?:\/[\w-][\w.-]*)*$/.test(path);
  const suffix = path.split(".").at(-1);
  const known = plain && (suffix === "md" || Object.hasOwn(TEXTS, suffix));
  const text = known ? await fetchText(book.address(`/${path}`)) : null;
  const title = path.split("/").at(-1);
  if (text === null || text.length > MOST) {
    made.classList.add("md-page");
    made.append(
      h("h1", title || "A file"),
      h("p", "This is a file of the repository, beside these pages: ", h("code", path)),
    );
    return { title, headings: [] };
  }
  if (suffix === "md") return render(text, made, options);
  // A fence that is longer than any in the file.
  const marks = text.match(/`{3,}/g) ?? [];
  const longest = marks.reduce((most, m) => Math.max(most, m.length), 2);
  const fence = "`".repeat(longest + 1);
  const markdown = `# ${title}\n\n${fence}${TEXTS[suffix]} file=${path}\n${text}\n${fence}\n`;
  const shown = await render(markdown, made, { ...options, link: () => null });
  return { ...shown, title, headings: [] };
}
