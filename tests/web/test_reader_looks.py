# SPDX-License-Identifier: MIT
"""How the reader looks and what it weighs: themes, small screens, print, forced
colours, barriers, bytes; on a static file server; in the web interface."""

import gzip
import io
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from page_server import ROOT
from PIL import Image
from sample_page import READY, sample_files
from support.browser import axe_violations, screenshot, wait_for

LIMIT = 250_000  # bytes of a page with its fonts, gzipped
SHOWN = {"cover": "#/", "sample": "#/sample", "performance": "#/performance"}


def opened(read, site, name, **options):
    page = read(site, SHOWN[name], **options)
    wait_for(page, READY)
    wait_for(page, "[...document.images].every(i => i.complete)")
    return page


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", SHOWN)
def test_axe_finds_nothing(read, site, name, theme):
    options = {"color_scheme": theme, "bypass_csp": True}
    page = opened(read, site, name, **options)
    screenshot(page, f"reader-{name}-{theme}")
    assert axe_violations(page) == []
    if name != "sample":
        return
    page.visitor.expect("404")
    for summary in page.locator(".reader-page summary").all():
        summary.click()
    page.keyboard.press("Control+k")
    page.get_by_role("searchbox").fill("softmax")
    page.locator(".reader-results a").first.wait_for()
    screenshot(page, f"reader-search-{theme}")
    assert axe_violations(page) == []


@pytest.mark.parametrize("name", SHOWN)
def test_a_phone_scrolls_only_down(read, site, name):
    small = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
    page = opened(read, site, name, **small)
    screenshot(page, f"reader-{name}-phone")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("button", name="Pages").click()
    page.get_by_role("link", name="Glossary").first.wait_for()
    screenshot(page, f"reader-{name}-phone-list")
    # 2.5.8: targets of 24 pixels, but for links within text.
    low = page.evaluate(
        """() => [...document.querySelectorAll("button, summary, input, a")]
          .filter((n) => n.offsetParent && !n.matches("p a, li a:not(nav a), td a, sup a, .skip"))
          .filter((n) => !n.disabled)
          .map((n) => [n.getBoundingClientRect().height, n.outerHTML.slice(0, 90)])
          .filter(([height]) => height < 23.5)"""
    )
    assert low == []


def test_200_percent(read, site):
    half = {"viewport": {"width": 640, "height": 450}}
    page = opened(read, site, "sample", **half)
    assert page.evaluate("document.documentElement.scrollWidth") <= 640


def test_forced_colours_less_motion_and_print(read, site):
    options = {"forced_colors": "active", "reduced_motion": "reduce"}
    page = opened(read, site, "sample", **options)
    screenshot(page, "reader-forced-colors")
    assert page.evaluate("document.getAnimations().length") == 0
    page.emulate_media(media="print", forced_colors="none")
    for hidden in (".site", ".reader-side", ".reader-toc", ".md-copy"):
        assert not page.locator(hidden).first.is_visible(), hidden
    screenshot(page, "reader-print")


def colour(page):
    """Of the mark in the corner of the figure."""
    picture = page.locator(".reader-page img")
    data = Image.open(io.BytesIO(picture.screenshot())).convert("RGB")
    return data.getpixel((6, 6))


def test_figures_follow_the_theme(read, site):
    page = opened(read, site, "sample", color_scheme="light")
    assert colour(page) == (0x2F, 0x6F, 0xDB)
    button = page.get_by_role("button", name="Theme")
    button.click()  # as the system -> light
    button.click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.wait_for_timeout(100)
    assert colour(page) == (0x7A, 0xA9, 0xFF)
    page.reload()
    wait_for(page, READY)
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_what_is_wide_scrolls_by_keyboard(read, site):
    page = opened(read, site, "sample", viewport={"width": 420, "height": 800})
    wide = """[...document.querySelectorAll("pre, .md-table, div.md-maths")]
      .filter(n => n.scrollWidth > n.clientWidth + 1)"""
    # A formula is as wide as its fonts, which come later.
    wait_for(page, f"{wide}.length > 2 && {wide}.every(n => n.tabIndex === 0)")


# --- bytes --------------------------------------------------------------------


def weight(sent):
    """Fonts are compressed already; pictures are not counted."""
    out = {}
    for path, data in sent.items():
        if not path.endswith((".png", ".svg")):
            font = path.endswith(".woff2")
            out[path] = len(data if font else gzip.compress(data, 9))
    return out


def slugs():
    contents = json.loads((ROOT / "public/docs/contents.json").read_text())
    pages = [p for group in contents for p in group["pages"]]
    there = [p for p in pages if (ROOT / "public" / p["file"]).is_file()]
    return ["sample", *(p["slug"] for p in there)]


def test_weight(new_pages, read):
    for slug in slugs():
        server = new_pages(sample_files())
        page = read(server, f"#/{slug}")
        wait_for(page, READY)
        page.wait_for_load_state("networkidle")
        files = weight(server.sent)
        total = sum(files.values())
        print(f"{slug}: {total} bytes in {len(files)} files")
        assert total <= LIMIT, (
            slug,
            sorted(files.items(), key=lambda x: -x[1]),
        )


# --- other servers ------------------------------------------------------------


@pytest.fixture
def static(tmp_path):
    """Python's own server over a folder with the repository's public/."""
    (tmp_path / "public").mkdir()
    for part in (
        "scripts",
        "styles",
        "vendor",
        "docs",
        "index.html",
        "favicon.svg",
    ):
        (tmp_path / "public" / part).symlink_to(ROOT / "public" / part)
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "http.server", "-b", "127.0.0.1", str(port)],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    for _ in range(200):
        try:
            urllib.request.urlopen(url, timeout=5).close()
            break
        except OSError:
            time.sleep(0.05)
    (tmp_path / "benchmarks").symlink_to(ROOT / "benchmarks")
    yield tmp_path, url
    process.terminate()
    process.wait()


def test_static_server_and_five_lines(static, browser):
    folder, url = static
    readme = (ROOT / "public/scripts/markdown-renderer-README.md").read_text()
    lines = re.search(r"```html\n(.*?)```", readme, re.S)[1]
    assert len(lines.splitlines()) == 5
    (folder / "public/mine.html").write_text(lines)
    visitor = browser.visitor(url)
    visitor.expect("favicon")
    page = visitor.page
    page.goto(url + "/public/mine.html")
    page.get_by_role("heading", name="Where the time goes").wait_for()
    assert page.locator(".md-code").count() > 0
    page.goto(url + "/public/index.html#/performance/two-limits")
    wait_for(page, "document.activeElement.id === 'doc-two-limits'")
    assert visitor.close() == []


def test_in_the_web_interface(visit, server):
    page = visit(server, "#/docs/performance/two-limits")
    wait_for(page, "document.activeElement.id === 'doc-two-limits'")
    wait_for(
        page, "[...document.images].every(i => i.complete && i.naturalWidth)"
    )
    assert page.title().startswith("Where the time goes")
    page.visitor.expect("404")  # until the next page is written
    page.keyboard.press("n")
    wait_for(page, "location.hash === '#/docs/model-optimization'")
    page.go_back()
    wait_for(page, "document.title.startsWith('Where the time goes')")
    page.locator(".reader-page a[href*='source/']").first.click()
    wait_for(page, "location.hash.startsWith('#/docs/source/')")
    page.locator(".md-code code, .reader-page code").first.wait_for()
    page.get_by_role("link", name="Write", exact=True).click()
    page.locator("#prompt").wait_for()
    assert page.evaluate("history.scrollRestoration") == "auto"
    page.get_by_role("link", name="Learn", exact=True).click()
    page.get_by_role("heading", name="Learn how").wait_for()


def test_the_app_loads_the_reader_only_for_learn(visit, server):
    page = visit(server)
    page.locator("#prompt").wait_for()
    asked = "performance.getEntriesByType('resource').map(r => r.name)"
    assert not any(
        "/vendor/" in name or "/scripts/" in name
        for name in page.evaluate(asked)
    )
    page.get_by_role("link", name="Learn", exact=True).click()
    page.get_by_role("heading", name="Learn how").wait_for()


def test_a_vendor_folder_is_complete():
    """Its licences are beside the files."""
    names = {p.name for p in (ROOT / "public/vendor").iterdir()}
    assert {"marked.esm.js", "purify.min.js", "katex.min.js"} <= names
    assert len([n for n in names if n.startswith("LICENSE.")]) == 4
    assert (
        shutil.which("git") is None
        or not subprocess.run(
            ["git", "ls-files", "public/vendor"], cwd=ROOT, capture_output=True
        ).stdout
    )
    assert pathlib.Path(
        ROOT / "public/vendor/fonts/KaTeX_Main-Regular.woff2"
    ).is_file()


def test_a_page_that_was_turned_to_has_no_frame(sample):
    page = sample
    page.visitor.expect("404")
    page.keyboard.press("n")
    wait_for(page, "document.activeElement.matches('.reader-page')")
    assert page.evaluate(
        "getComputedStyle(document.activeElement).outlineStyle === 'none'"
    )
