# SPDX-License-Identifier: MIT
"""The examples of the CommonMark specification, all of them, through the whole
renderer. What it shows otherwise on purpose is listed with the reason, one by
one: an example that is listed and agrees fails as well."""

import os
import pathlib
import re

from support.browser import wait_for

HOME = os.environ.get("MLX_TUTORIAL_HOME", "~/ai-training")
SPEC = pathlib.Path(HOME).expanduser() / (
    "cache/npm/node_modules/commonmark-spec/spec.txt"
)
EXAMPLE = re.compile(r"^`{32} example\n(.*?)^\.\n(.*?)^`{32}$", re.M | re.S)

# Number of the example -> what differs, by reason.
ON_PURPOSE = {
    "Raw HTML is dropped; a text between tags in a line stays.": [
        21,
        31,
        *range(148, 156),
        *range(159, 179),
        180,
        *range(184, 192),
        201,
        344,
        *range(475, 478),
        491,
        494,
        524,
        536,
        *range(613, 618),
        *range(629, 632),
        642,
        643,
    ],
    "An address of another scheme than http, https and mailto is no link.": [
        596,
        598,
        599,
        601,
    ],
    "GitHub makes links of bare addresses, also between < and >.": [
        602,
        608,
        611,
        612,
    ],
    "Names of sections begin with doc-, in the page and in links to it.": [
        501,
    ],
    "DOMPurify takes the white space around an attribute away.": [
        196,
    ],
}

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
    const text = block && !keep && name !== "pre" ? inner.replace(/ +/g, " ").trim() : inner;
    return `${block}<${[name, ...attributes].join(" ")}>${text}</${name}>${block}`;
  };
  const text = (root) =>
    [...plain(root).childNodes].map((n) => write(n, false)).join("")
      .replace(/<br><\/br>\s*/g, "<br>").replace(/\s*\n\s*/g, "\n").trim();
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
    visitor = new_visitor(server)
    visitor.expect("404")  # pictures that an example shows
    page = visitor.page
    page.goto(server.url + "/public/empty.html")
    wait_for(page, "!!window.show")
    differ = page.evaluate(COMPARE, found)
    numbers = {one["number"]: one for one in differ}
    listed = {n: why for why, all_ in ON_PURPOSE.items() for n in all_}
    assert [one for n, one in numbers.items() if n not in listed] == []
    assert sorted(listed) == sorted(numbers)
    assert len(found) - len(differ) == 584
