# SPDX-License-Identifier: MIT
"""A page: its text as Markdown tokens, and what the checks ask for: headings,
fences, links, comments, each with its line.
"""

import functools
import re
from dataclasses import dataclass

from fences import Fence, FenceError, check_bare, check_data, read_info
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.footnote import footnote_plugin

FOLDERS = ("public/docs", "tutorials")
COMMENT = re.compile(r"<!--(.*?)-->", re.S)
SNIPPET = re.compile(r"<!--\s*snippet:\s*(\S+)#(\S+)\s*-->\s*")
FOLDER = re.compile(r"<!--\s*docs:\s*folder=(\S+)\s*-->")
# `code`, ``co`de``: within a paragraph.
CODE_SPAN = re.compile(
    r"(?<!`)(`+)(?!`)((?:(?!\n\s*\n).)+?)(?<!`)\1(?!`)", re.S
)


@dataclass(frozen=True, order=True)
class Problem:
    """One line for the reader: where, what, how to correct it."""

    page: str
    line: int
    what: str

    def __str__(self):
        return f"{self.page}:{self.line}: {self.what}"


@dataclass(frozen=True)
class Heading:
    line: int
    level: int
    text: str
    anchor: str


@functools.cache
def parser():
    """GitHub's Markdown, as far as pages use it."""
    return (
        MarkdownIt("commonmark", {"html": True})
        .enable(["table", "strikethrough"])
        .use(footnote_plugin)
        .use(
            dollarmath_plugin,
            allow_space=False,
            allow_digits=False,
            allow_labels=False,
            allow_blank_lines=False,
            double_inline=True,
        )
    )


def find_pages(root):
    """The paths of all pages."""
    return [p for f in FOLDERS for p in sorted((root / f).glob("*.md"))]


class Page:
    def __init__(self, root, path):
        self.root, self.path = root, path
        self.name = path.relative_to(root).as_posix()
        self.text = path.read_text(encoding="utf-8", errors="replace")
        self.lines = self.text.split("\n")
        self.footnotes = {}
        self.tokens = parser().parse(self.text, self.footnotes)
        self.problems = []  # found while reading
        for number, line in enumerate(self.lines, 1):
            if "\ufffd" in line:
                self.add(number, "expected UTF-8 but received other bytes.")
        self.fences = self.read_fences()
        self.headings = list(self.read_headings())

    def add(self, line, what):
        self.problems.append(Problem(self.name, line, what))

    # --- fences --------------------------------------------------------------

    def read_fences(self):
        """In order; each output is also at the block that prints it."""
        found = []
        before = None  # the token before, then its fence
        for token in self.tokens:
            if token.type == "fence":
                fence = self.read_fence(token, before)
                if fence.kind == "output":
                    self.attach(fence, before)
                found.append(fence)
                before = fence
            else:
                before = token
            if token.type == "code_block":
                line = token.map[0] + 1
                self.add(line, "expected a fence (```) for code, not spaces.")
        return found

    def read_fence(self, token, before):
        line, end = token.map[0] + 1, token.map[1]
        opening = self.lines[line - 1]
        prefix = opening[: opening.index(token.markup)]
        prefix = re.sub(r"[^>\s]", " ", prefix)  # "1. ```" goes on with spaces
        fence = Fence(token.info, token.content, line, end, prefix)
        last = self.lines[end - 1].lstrip("> ")
        if end == line or not last.startswith(token.markup):
            self.add(line, f"expected a closing {token.markup} but found none.")
        if getattr(before, "type", "") == "html_block":
            region = SNIPPET.fullmatch(before.content.strip())
            fence.snippet = (region[1], region[2]) if region else None
        try:
            words = read_info(token.info)
            fence.language, fence.kind, fence.detail, fence.options = words
            check_bare(fence)
            check_data(fence)
        except FenceError as error:
            fence.language = token.info.strip().partition(" ")[0]
            self.add(line, str(error))
        fence.kind = fence.kind or ("snippet" if fence.snippet else "plain")
        return fence

    def attach(self, output, before):
        if not isinstance(before, Fence) or before.kind != "run":
            self.add(
                output.line,
                "expected a block that runs right before this output; move it "
                "there, or write ```text.",
            )
        else:
            before.output = output

    @functools.cached_property
    def folder(self):
        """repository or empty: where blocks run; None if it is not said."""
        found = FOLDER.search(self.masked)
        return found[1] if found else None

    # --- text ----------------------------------------------------------------

    @functools.cached_property
    def masked(self):
        """The text, with spaces in place of code: comments are found in it."""
        lines = list(self.lines)
        for fence in self.fences:
            for n in range(fence.line - 1, fence.end):
                lines[n] = " " * len(lines[n])
        return CODE_SPAN.sub(blank, "\n".join(lines))

    def line_at(self, offset):
        return self.text.count("\n", 0, offset) + 1

    def inlines(self):
        """(line, token) of all that is inside of paragraphs."""
        for token in self.tokens:
            if token.type != "inline" or not token.map:
                continue
            line = token.map[0] + 1
            for child in token.children:
                yield self.place(line, token.map[1], child), child
                if child.type in ("softbreak", "hardbreak"):
                    line += 1
                else:
                    line += child.content.count("\n")

    def place(self, line, end, token):
        """Line breaks inside of `code` are not counted: look for the text."""
        wanted = token.attrGet("href") or token.attrGet("src") or token.content
        for number in range(line, end + 1):
            if wanted and str(wanted) in self.lines[number - 1]:
                return number
        return line

    # --- headings ------------------------------------------------------------

    def read_headings(self):
        """With GitHub's anchors."""
        used = {}
        for token, inner in zip(self.tokens, self.tokens[1:]):
            if token.type != "heading_open":
                continue
            text = "".join(
                c.content for c in inner.children if c.type != "image"
            )
            anchor = base = slug(text)
            while anchor in used:
                used[base] += 1
                anchor = f"{base}-{used[base]}"
            used[anchor] = 0
            level = int(token.tag[1])
            yield Heading(token.map[0] + 1, level, text, anchor)

    @functools.cached_property
    def anchors(self):
        return {heading.anchor for heading in self.headings}


def blank(match):
    return re.sub(r"[^\n]", " ", match[0])


def slug(text):
    """GitHub's: lower case, letters, digits, hyphens and underscores; a space
    is a hyphen."""
    kept = re.sub(r"[^\w\- ]", "", text.strip().lower())
    return kept.replace(" ", "-")
