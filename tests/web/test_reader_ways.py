# SPDX-License-Identifier: MIT
"""The way through the pages of the course: from one to the next, to a section
and back, search, keys, and what is shown in place of what is missing."""

import pytest
from page_server import a_page
from sample_page import READY, SAMPLE, sample_files
from support.browser import screenshot, wait_for

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
    field.fill("bold html dropped")
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
