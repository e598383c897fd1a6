# SPDX-License-Identifier: MIT
"""The examples of the CommonMark specification, all of them, through the whole
renderer. What it shows otherwise on purpose is listed with the reason, one by
one: an example that is listed and agrees fails as well."""

import os
import pathlib
import re

HOME = os.environ.get("MLX_TUTORIAL_HOME", "~/ai-training")
SPEC = pathlib.Path(HOME).expanduser() / (
    "cache/npm/node_modules/commonmark-spec/spec.txt"
)
EXAMPLE = re.compile(r"^`{32} example\n(.*?)^\.\n(.*?)^`{32}$", re.M | re.S)

# Number of the example -> what differs, by reason.
ON_PURPOSE = {}

# Both sides as text: without what the renderer adds around an element, and with
# white space where it does not matter taken out.
COMPARE = r"""async (examples) => {
  const out = document.getElementById("out");
  const BLOCKS = "P H1 H2 H3 H4 H5 H6 PRE UL OL LI BLOCKQUOTE HR DIV TABLE".split(" ");
  const ADDED = ["id", "rel", "class", "tabindex", "decoding", "data-info", "scope"];
  const plain = (root) => {
    root.querySelectorAll(".md-code-head, .md-anchor").forEach((n) => n.remove());
    root.querySelectorAll(".md-code, .md-table").forEach((n) => n.replaceWith(...n.childNodes));
    root.querySelectorAll("code").forEach((n) => (n.textContent = n.textContent));
    root.querySelectorAll("*").forEach((n) => {
      const language = n.nodeName === "CODE" && n.className;
      for (const name of ADDED) n.removeAttribute(name);
      if (language) n.className = language;
    });
    return root;
  };
  const write = (node, keep) => {
    if (node.nodeType === 3) return keep ? node.data : node.data.replace(/\s+/g, " ");
    if (node.nodeType !== 1) return "";
    const inner = [...node.childNodes].map((n) => write(n, keep || node.nodeName === "PRE")).join("");
    const attributes = [...node.attributes]
      .map((a) => `${a.name}="${/^(href|src)$/.test(a.name) ? new URL(a.value, "http://x/").href : a.value}"`)
      .sort();
    const block = BLOCKS.includes(node.nodeName) ? "\n" : "";
    const name = node.nodeName.toLowerCase();
    const text = block && !keep && name !== "pre" ? inner.trim() : inner;
    return `${block}<${[name, ...attributes].join(" ")}>${text}</${name}>${block}`;
  };
  const text = (root) =>
    [...plain(root).childNodes].map((n) => write(n, false)).join("")
      .replace(/\s*\n\s*/g, "\n").trim();
  const differ = [];
  for (const { number, markdown, html } of examples) {
    const wanted = document.createElement("div");
    wanted.innerHTML = html;
    await window.show(markdown);
    const [a, b] = [text(out), text(wanted)];
    if (a !== b) differ.push({ number, markdown, shown: a, wanted: b });
  }
  return differ;
}"""


def examples():
    text = SPEC.read_text(encoding="utf-8").replace("→", "\t")
    return [
        {"number": n, "markdown": markdown, "html": html}
        for n, (markdown, html) in enumerate(EXAMPLE.findall(text), 1)
    ]


def test_examples_of_the_specification(new_pages, new_visitor):
    assert SPEC.is_file(), "run ./tutorial vendor"
    found = examples()
    assert len(found) == 652
    server = new_pages(policy=False)  # this test itself writes HTML
    page = new_visitor(server).page
    page.goto(server.url + "/public/empty.html")
    page.wait_for_function("window.show")
    differ = page.evaluate(COMPARE, found)
    # Pictures that an example shows are not on the server.
    page.visitor.problems = [p for p in page.visitor.problems if "404" not in p]
    numbers = {one["number"]: one for one in differ}
    listed = {n: why for why, all_ in ON_PURPOSE.items() for n in all_}
    unexpected = [one for n, one in numbers.items() if n not in listed]
    assert unexpected == []
    assert sorted(listed) == sorted(numbers)
    print(f"{len(found) - len(differ)} of {len(found)} as specified")
