# SPDX-License-Identifier: MIT
"""The reader of the course: what a page shows, and where its links go."""

import json
import re

from page_server import ROOT, a_page
from sample_page import READY
from support.browser import wait_for


def texts(page, selector):
    return page.evaluate(
        "s => [...document.querySelectorAll(s)].map(n => n.textContent.trim())",
        selector,
    )


def links(page, selector=".reader-page a[href]"):
    return page.evaluate(
        """s => Object.fromEntries([...document.querySelectorAll(s)]
          .map(n => [n.textContent, n.getAttribute("href")]))""",
        selector,
    )


# --- a page -------------------------------------------------------------------


def test_what_a_page_shows(sample):
    page = sample
    assert page.title() == "Everything on one page · MLX LLM Tutorial"
    assert page.locator(".katex").count() == 7
    assert page.locator(".md-wrong, .katex-error").count() == 0
    assert "costs $5 and $10" in page.locator(".reader-page").inner_text()
    assert texts(page, ".md-callout-title") == [
        "Note", "Tip", "Important", "Warning", "Caution",
    ]  # fmt: skip
    assert page.locator("blockquote:not(.md-facts)").count() == 1
    assert page.locator("li.md-task input:disabled").count() == 2
    assert page.locator("td[align=right]").first.inner_text() == "49,152"
    assert texts(page, "del") == ["mistakes"]
    assert page.locator("details:not([open]) summary code").count() == 1
    body = page.locator(".reader-page").inner_text()
    assert "<!--" not in body and "x.json" not in body
    assert "1.43 2.54 nats" in re.sub(r"\s+", " ", body)
    assert "<b>shown as text</b>" in body and "bold HTML" in body


def test_code(sample):
    heads = [
        tuple(texts(sample, f".md-code:nth-of-type(n) .md-code-{part}"))
        for part in ("name", "note")
    ]
    shown = list(zip(*heads))
    assert shown == [
        ("llm/nn/attention.cpp", ""),
        ("Python", "runs in the tests"),
        ("Output", ""),
        ("Shell", "runs in the tests, exit status 3"),
        ("Shell", "only on a Mac"),
        ("C++", "must not compile: no matching function"),
        ("CMakeLists.txt", ""),
        ("JSON", ""),
        ("YAML", ""),
        ("Diff", ""),
        ("", ""),
        ("Python", "runs in the tests"),
    ]
    coloured = sample.evaluate(
        """[...document.querySelectorAll(".md-code code")]
          .map(c => new Set([...c.querySelectorAll("span")]
            .map(s => s.className.split(" ")[0])).size)"""
    )
    names = ("Output", "")
    for (name, _), kinds in zip(shown, coloured):
        assert (kinds > 0) == (name not in names), name


def test_headings_and_contents(sample):
    ids = sample.evaluate(
        "[...document.querySelectorAll('.reader-page :is(h1,h2,h3,h4)')].map(n => n.id)"
    )
    assert ids == [
        "doc-everything-on-one-page", "doc-attention", "doc-masks-and-shapes",
        "doc-exercises", "doc-masks-and-shapes-1", "doc-a-small-heading",
    ]  # fmt: skip
    assert links(sample, ".reader-toc a") == {
        "Attention": "#/sample/attention",
        "Masks and shapes": "#/sample/masks-and-shapes-1",
    }
    sample.locator("#doc-attention").hover()
    sample.locator("#doc-attention .md-anchor").click()
    assert sample.url.endswith("#/sample/attention")


def test_where_links_go(sample):
    found = links(sample)
    assert found["the masks"] == "#/sample/masks-and-shapes"
    assert found["the performance page"] == "#/performance/two-limits"
    assert found["module.h"] == "#/source/llm/nn/module.h"
    assert found["MLX"] == "https://github.com/ml-explore/mlx"
    assert found["glossary"] == "#/glossary"
    outside = sample.locator("a.md-outside")
    assert outside.count() == 3
    assert outside.first.get_attribute("rel") == "noopener noreferrer"
    picture = sample.locator(".reader-page img")
    assert picture.get_attribute("src").endswith(
        "/public/docs/figures/sample.svg"
    )
    assert picture.evaluate("n => n.naturalWidth") > 100


def test_links_of_a_tutorial(new_pages, read):
    """Its folder is beside public/."""
    text = (
        "# T\n\n[a](../public/docs/performance.md#two-limits) [b](../llm/nn/gelu.h)\n"
        "[c](other.md) ![d](../public/favicon.svg)\n"
    )
    files = a_page("", slug="performance")
    contents = json.loads(files["/public/docs/contents.json"])
    entry = {
        **contents[0]["pages"][0],
        "slug": "t",
        "file": "../tutorials/t.md",
    }
    contents[0]["pages"].append(entry)
    files["/public/docs/contents.json"] = json.dumps(contents)
    page = read(new_pages({**files, "/tutorials/t.md": text}), "#/t")
    wait_for(page, READY)
    assert links(page) == {
        "a": "#/performance/two-limits",
        "b": "#/source/llm/nn/gelu.h",
        "c": "#/source/tutorials/other.md",
    }
    wait_for(
        page, "document.querySelector('.reader-page img').naturalWidth > 0"
    )


def test_a_note_and_back(sample):
    sample.locator("sup a").first.click()
    wait_for(sample, "document.activeElement.id === 'doc-fn-1'")
    sample.locator(".md-back").click()
    wait_for(sample, "document.activeElement.id === 'doc-fnref-1'")
    assert texts(sample, "sup a") == ["1", "1"]


def test_a_source_file(read, site):
    page = read(site, "#/source/llm/nn/module.h")
    page.locator(".md-code code span").first.wait_for()
    shown = page.locator(".md-code code").evaluate("n => n.textContent")
    assert shown.strip() == (ROOT / "llm/nn/module.h").read_text().strip()
    page.visitor.expect("404")
    page.goto(page.url.split("#")[0] + "#/source/llm/nothing.h")
    page.get_by_text("a file of the repository").wait_for()


def test_every_page_of_the_course(read, pages):
    """What search calls a section is one; no formula is wrong."""
    contents = json.loads((ROOT / "public/docs/contents.json").read_text())
    page = read(pages, "#/", expected=["404"])
    wait_for(page, READY)
    found = page.evaluate(
        """async () => {
          const { Book } = await import("./scripts/book.js");
          const { render } = await import("./scripts/markdown-renderer.js");
          const { fetchText } = await import("./scripts/safe.js");
          const { sectionsOf } = await import("./scripts/search.js");
          const book = await Book.load("docs/contents.json");
          const out = document.createElement("article");
          document.body.append(out);
          const seen = [];
          for (const one of book.pages) {
            const markdown = await fetchText(book.address(book.path(one)));
            if (markdown === null) continue;
            const { headings, laidOut } = await render(markdown, out);
            const words = out.cloneNode(true);
            for (const n of words.querySelectorAll("code, .katex")) n.remove();
            const text = words.textContent;
            const ids = new Set(headings.map((x) => x.id));
            seen.push({
              slug: one.slug,
              laidOut,
              title: headings[0]?.text === one.title,
              lost: sectionsOf(markdown).map((s) => s.id).filter((id) => id && !ids.has(id)),
              wrong: [...out.querySelectorAll(".md-wrong")].map((n) => n.textContent),
              left: text.match(/<!--|\\[\\^|\\[!\\w+\\]|<\\/?(?:details|summary)>/g),
            });
          }
          return seen;
        }"""
    )
    files = [p for g in contents for p in g["pages"]]
    there = [p for p in files if (ROOT / "public" / p["file"]).is_file()]
    assert [one["slug"] for one in found] == [p["slug"] for p in there]
    for one in found:
        assert one == {
            "slug": one["slug"], "laidOut": True, "title": True, "lost": [],
            "wrong": [], "left": None,
        }  # fmt: skip
