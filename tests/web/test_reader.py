# SPDX-License-Identifier: MIT
"""The reader of the course: what a page shows, where its links go, search, keys,
places, and what is shown in place of what is missing."""

import json
import re

import pytest
from page_server import ROOT, PageServer, a_page
from sample_page import SAMPLE, sample_files
from support.browser import screenshot, wait_for

READY = "document.querySelector('.reader-page h1') && !document.querySelector('[aria-busy]')"


@pytest.fixture(scope="module")
def site():
    with PageServer(sample_files()) as server:
        yield server


@pytest.fixture
def sample(read, site):
    page = read(site, "#/sample")
    wait_for(page, READY)
    return page


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
            const ids = new Set(headings.map((x) => x.id));
            seen.push({
              slug: one.slug,
              laidOut,
              title: headings[0]?.text === one.title,
              lost: sectionsOf(markdown).map((s) => s.id).filter((id) => id && !ids.has(id)),
              wrong: [...out.querySelectorAll(".md-wrong")].map((n) => n.textContent),
              left: out.innerText.match(/<!--|\\[\\^|\\[!\\w+\\]|<\\/?(?:details|summary)>/g),
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


# --- the way through the pages ------------------------------------------------


def test_next_and_previous(sample):
    page = sample
    page.visitor.expect("404")
    page.locator(".reader-step.next").click()
    wait_for(page, "location.hash === '#/intro-to-mlx'")
    page.go_back()
    wait_for(page, "document.title.startsWith('Everything')")
    page.keyboard.press("n")
    wait_for(page, "location.hash === '#/intro-to-mlx'")
    page.keyboard.press("p")
    wait_for(page, "location.hash === '#/sample'")
    wait_for(page, READY)
    page.keyboard.press("p")
    wait_for(page, "location.hash === '#/installation'")


def test_a_link_to_a_section(read, site):
    page = read(site, "#/sample/masks-and-shapes-1")
    wait_for(page, "document.activeElement.id === 'doc-masks-and-shapes-1'")
    top = "document.getElementById('doc-masks-and-shapes-1').getBoundingClientRect().top"
    assert 0 <= page.evaluate(top) < 300 or page.evaluate(
        "innerHeight + scrollY >= document.documentElement.scrollHeight - 2"
    )
    page.evaluate("window.scrollTo(0, 0)")
    page.locator(".reader-toc a").last.click()  # the address is there already
    wait_for(page, "scrollY > 500")


def test_the_place_is_remembered(read, site):
    page = read(site, "#/sample")
    wait_for(page, READY)
    page.evaluate(
        "document.getElementById('doc-masks-and-shapes').scrollIntoView()"
    )
    wait_for(page, "localStorage.reading?.includes('masks-and-shapes')")
    wait_for(page, "history.state?.y > 0")
    page.reload()  # goes on where it was
    wait_for(page, READY)
    wait_for(page, "scrollY > 500")
    page.goto(site.url + "/public/index.html#/")
    page.get_by_text("Go on reading").wait_for()
    page.locator(".reader-place a").click()
    wait_for(page, "document.activeElement.id === 'doc-masks-and-shapes'")
    page.goto(site.url + "/public/index.html#/performance")
    wait_for(page, "document.title.startsWith('Where')")
    page.goto(site.url + "/public/index.html#/sample")
    page.get_by_text("You were at").wait_for()
    page.go_back()
    wait_for(page, "document.title.startsWith('Where')")


def test_contents_follow_the_reading(sample):
    page = sample
    page.evaluate("document.getElementById('doc-attention').scrollIntoView()")
    wait_for(
        page,
        "document.querySelector('.reader-toc [aria-current]')?.textContent === 'Attention'",
    )


# --- search -------------------------------------------------------------------


def test_search(sample):
    page = sample
    page.visitor.expect("404")
    page.locator("h1").first.click()
    page.keyboard.press("/")
    field = page.get_by_role("searchbox")
    field.fill("mask softmax")
    first = page.locator(".reader-results a").first
    first.wait_for()
    assert "mask" in first.locator("mark").first.inner_text().lower()
    screenshot(page, "reader-search")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.matches('.reader-results a')")
    field.fill("zzzz")
    page.get_by_text("Nothing has “zzzz”.").wait_for()
    field.fill("the same name again")
    wait_for(
        page, "document.querySelectorAll('.reader-results a').length === 1"
    )
    field.press("Enter")
    wait_for(page, "location.hash === '#/sample/masks-and-shapes-1'")
    assert page.locator("dialog[open]").count() == 0
    page.keyboard.press("Control+k")
    page.get_by_role("searchbox").wait_for()
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0


def test_single_keys_can_be_switched_off(sample):
    page = sample
    page.visitor.expect("404")
    page.keyboard.press("?")
    box = page.get_by_role("dialog")
    box.wait_for()
    page.get_by_label("Use these keys").uncheck()
    page.keyboard.press("Escape")
    for key in "np/?":
        page.keyboard.press(key)
    page.wait_for_timeout(100)
    assert page.url.endswith("#/sample")
    assert page.locator("dialog[open]").count() == 0
    page.get_by_role("button", name="Keys").click()
    page.get_by_label("Use these keys").check()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.get_by_role("searchbox").wait_for()


# --- what is missing ----------------------------------------------------------


@pytest.mark.parametrize(
    "slug", ["nowhere", "<b>x</b>", "..", "%", "a%2Fb", "__proto__"]
)
def test_a_missing_page_says_so(read, site, slug):
    page = read(site, f"#/{slug}")
    page.get_by_role("heading", name="There is no such page").wait_for()
    shown = slug.split("/")[0].replace("%2F", "/")
    assert shown in page.locator(".reader-page b").inner_text()
    page.locator(".reader-page").get_by_role("link", name="All pages").click()
    page.get_by_role("heading", name="Learn how").wait_for()


def test_a_missing_file_says_so(new_pages, read):
    files = a_page("# A")
    del files["/public/docs/sample.md"]
    page = read(new_pages(files), "#/sample", expected=["404"])
    page.get_by_text("is not there").wait_for()
    assert "public/docs/sample.md" in page.locator(".reader-page").inner_text()


@pytest.mark.parametrize(
    "content",
    [
        None,
        "{",
        "{}",
        '[{"pages": 1}]',
        '[{"group": "a", "pages": [{"slug": "../x"}]}]',
    ],
)
def test_a_damaged_list_of_pages_says_so(new_pages, read, content):
    files = {} if content is None else {"/public/docs/contents.json": content}
    missing = [] if content else ["/public/docs/contents.json"]
    page = read(new_pages(files, missing), expected=["404"])
    page.get_by_role(
        "heading", name="The list of pages is not there"
    ).wait_for()
    assert (
        "/public/docs/contents.json"
        in page.locator(".reader-page").inner_text()
    )


def test_without_the_libraries_the_text_is_shown(new_pages, read):
    page = read(
        new_pages(sample_files(), ["/public/vendor/"]),
        "#/sample",
        expected=["404"],
    )
    page.get_by_text("./tutorial vendor").wait_for()
    assert page.locator(".md-text").evaluate("n => n.textContent") == SAMPLE
    screenshot(page, "reader-without-libraries")
    page.keyboard.press("n")
    wait_for(page, "location.hash === '#/intro-to-mlx'")


@pytest.mark.parametrize(
    "part", ["katex.min.js", "katex.min.css", "highlight/"]
)
def test_without_one_library_the_rest_is_shown(new_pages, read, part):
    page = read(
        new_pages(sample_files(), [f"/public/vendor/{part}"]),
        "#/sample",
        expected=["404"],
    )
    wait_for(page, READY)
    assert page.locator(".md-callout").count() == 5
    assert "softmax" in page.locator("div.md-maths").inner_text()
