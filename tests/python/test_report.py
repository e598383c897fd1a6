# SPDX-License-Identifier: MIT
"""Reports: read back by others' readers (markdown-it, html.parser), every text
is what it was, nothing is loaded or run.
"""

import base64
import html.parser
import re

import pytest
from markdown_it import MarkdownIt
from matplotlib.figure import Figure
from mlx_llm_tutorial.report import Report

# What a model, or who wants to do harm through one, may write.
NASTY = [
    "<script>alert(1)</script>",
    "<img src=http://example.org/x.png onerror=alert(1)>",
    "![x](http://example.org/x.png) [a](javascript:alert(1))",
    "a | b | c",
    "*stars* _lines_ `code` ~~gone~~ $x^2$",
    "# no heading",
    "- no list",
    "+ no list",
    "1. no list",
    "2) no list",
    "> no quote",
    "--- ===",
    "&amp; &lt; \\ \\*",
    "</pre></div></title></style>",
    "<!-- hidden -->",
    "quotes \" and ' too",
    "```` ticks",
    "````",
    "Zürich 東京 🐈",
]


def read_markdown(text):
    return (
        MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    )


def inline_text(token):
    """The text of an inline token; fails for anything but text."""
    assert {child.type for child in token.children} <= {"text"}, token
    return "".join(child.content for child in token.children)


class Page(html.parser.HTMLParser):
    """The tags with their attributes, and the text in each element."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self._open = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "img"):
            self._open.append((tag, []))

    def handle_data(self, data):
        if self._open:
            self._open[-1][1].append(data)

    def handle_endtag(self, tag):
        opened, parts = self._open.pop()
        assert opened == tag
        self.texts.append((tag, "".join(parts)))

    def of(self, tag):
        return [text for name, text in self.texts if name == tag]


def picture():
    figure = Figure(figsize=(2, 1))
    figure.add_subplot().plot([1, 2, 3])
    return figure


def full_report():
    report = Report("Base & tuned", "First.\n\nSecond\nparagraph.")
    report.heading("Loss")
    report.figure(picture(), "Loss | of <two> runs")
    report.table(
        {
            "base": {"loss": 2.91234, "tokens": 123456.0, "note": "a|b"},
            "tuned": {"loss": 1.7, "note": None},
        },
        "Losses",
    )
    report.samples("Who?", {"base": "I\n\n  am", "tuned": "```\nMica\n```"})
    return report


@pytest.mark.parametrize("text", NASTY)
def test_markdown_keeps_every_text(text):
    report = Report(text)
    report.heading(text)
    report.text(text)
    report.table({text: {text: text}})
    report.samples(text, {text: text})
    tokens = read_markdown(report.markdown())
    kinds = {token.type for token in tokens}
    assert kinds <= {
        "heading_open", "heading_close", "paragraph_open", "paragraph_close",
        "inline", "fence", "table_open", "table_close", "thead_open",
        "thead_close", "tbody_open", "tbody_close", "tr_open", "tr_close",
        "th_open", "th_close", "td_open", "td_close",
    }  # fmt: skip
    found = [inline_text(t) for t in tokens if t.type == "inline"]
    plain = " ".join(text.split())
    assert found == [
        *[plain] * 3,  # title, heading, text
        "", plain, plain, plain,  # table
        "Prompt:", f"{plain}:",
    ]  # fmt: skip
    fences = [t.content for t in tokens if t.type == "fence"]
    assert fences == [text + "\n"] * 2


@pytest.mark.parametrize("text", NASTY)
def test_html_keeps_every_text(text):
    report = Report(text)
    report.heading(text)
    report.text(text)
    report.table({text: {text: text}}, text)
    report.samples(text, {text: text})
    report.figure(picture(), text)
    page = Page(report.html())
    assert {tag for tag, _ in page.tags} == {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "p",
        "div", "table", "caption", "thead", "tr", "th", "td", "strong", "pre",
        "figure", "img", "figcaption",
    }  # fmt: skip
    plain = " ".join(text.split())
    assert page.of("title") == page.of("h1") == page.of("h2") == [text]
    assert page.of("p") == [plain] and page.of("caption") == [text]
    assert page.of("td") == [text] and page.of("th") == ["", text, text]
    assert page.of("pre") == [f"\n{text}"] * 2
    image = dict(page.tags)["img"]
    assert image["alt"] == text and set(image) == {"alt", "src"}


def test_the_page_loads_and_runs_nothing():
    page = Page(full_report().html())
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "iframe", "object", "base")
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("src", "href"):
                assert value.startswith("data:image/png;base64,")
    style = page.of("style")[0]
    assert "url(" not in style and "@import" not in style
    policy = [a for t, a in page.tags if "http-equiv" in a][0]["content"]
    assert policy.startswith("default-src 'none'")


def test_figures_are_in_both(tmp_path):
    report = full_report()
    text, page = report.save(tmp_path / "new" / "report")
    assert (text.name, page.name) == ("report.md", "report.html")
    png = (text.parent / "figure-1.png").read_bytes()
    assert png.startswith(b"\x89PNG")
    found = re.search(r'src="data:image/png;base64,([^"]+)"', page.read_text())
    assert base64.b64decode(found[1]) == png
    images = [
        child
        for token in read_markdown(text.read_text())
        for child in token.children or ()
        if child.type == "image"
    ]
    assert [i.attrs["src"] for i in images] == ["figure-1.png"]
    assert images[0].content.replace("\\", "") == "Loss | of <two> runs"
    assert sorted(p.name for p in text.parent.iterdir()) == [
        "figure-1.png", "report.html", "report.md"
    ]  # fmt: skip


def test_the_same_report_is_the_same_bytes(tmp_path):
    first = [p.read_bytes() for p in full_report().save(tmp_path / "a")]
    again = [p.read_bytes() for p in full_report().save(tmp_path / "b")]
    assert first == again


def test_cells():
    page = Page(full_report().html())
    assert page.of("th") == ["", "loss", "tokens", "note", "base", "tuned"]
    assert page.of("td") == ["2.912", "123,456", "a|b", "1.7", "–", "–"]


def test_what_no_file_can_hold(tmp_path):
    report = Report("odd")
    report.samples("a\0b\ud800c\r\nd", {"x": "\rend"})
    text, page = report.save(tmp_path)
    assert "a\ufffdb?c\nd" in text.read_text(encoding="utf-8")
    assert Page(page.read_text(encoding="utf-8")).of("pre")[1] == "\n\nend"
