# SPDX-License-Identifier: MIT
"""Links inside of the repository lead to what is there, anchors included. What
lies outside is listed, for a look by hand: no network here.
"""

import functools
import re
import subprocess
from urllib.parse import unquote

from pages import FOLDERS, Page, Problem

OUTSIDE = re.compile(r"^[a-z][a-z0-9+.-]*:", re.I)
BARE = re.compile(r"https?://[^\s<>\"')\]]+")
LOST_FOOTNOTE = re.compile(r"\[\^[^\]\s]+\]")
# Documents that are no pages: their links are checked all the same.
DOCUMENTS = ("*.md", "benchmarks/*.md", "exercises/*.md", "notebooks/*.md")
DOCUMENTS += ("public/scripts/*.md",)


class Links:
    """Checks the links of pages and documents of one repository."""

    def __init__(self, root, pages):
        self.root = root
        self.pages = {page.name: page for page in pages}

    @functools.cached_property
    def tracked(self):
        """The names of all files that git does not ignore; None without git."""
        command = ["git", "-C", str(self.root), "ls-files", "-co"]
        command += ["--exclude-standard", "-z"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0 or not (self.root / ".git").exists():
            return None
        return set(done.stdout.split("\0"))

    def documents(self):
        paths = [p for g in DOCUMENTS for p in sorted(self.root.glob(g))]
        return [self.page(p.relative_to(self.root).as_posix()) for p in paths]

    def page(self, name):
        if name not in self.pages:
            self.pages[name] = Page(self.root, self.root / name)
        return self.pages[name]

    def exists(self, name):
        """As others will find it: a file that git ignores is not there."""
        path = self.root / name
        if self.tracked is None or not path.exists():
            return path.exists()
        folder = f"{name}/" if name else ""
        return name in self.tracked or (
            path.is_dir() and any(f.startswith(folder) for f in self.tracked)
        )

    def check(self, page):
        for line, kind, target, text in all_links(page):
            what = self.judge(page, kind, target, text)
            if what:
                yield Problem(page.name, line, what)
        yield from check_footnotes(page)

    def judge(self, page, kind, target, text):
        """What is wrong with a link; None if nothing is."""
        is_page = page.name.startswith(FOLDERS)
        if is_page and kind == "image" and not text.strip():
            return f"expected what one sees in ![...]({target}); say it."
        if OUTSIDE.match(target) or target.startswith("//"):
            return self.judge_outside(kind, target)
        path, _, anchor = target.partition("#")
        if path.startswith("/"):
            return f"expected a relative link but received {target}; use ../"
        name = self.resolve(page, path)
        if name is None:
            return f"expected a link into the repository but received {target}."
        if not self.exists(name):
            return (
                f"expected a file but {name or '.'} is not there; correct it."
            )
        return self.judge_anchor(name, anchor) if anchor else None

    def judge_outside(self, kind, target):
        if kind == "image":
            return f"expected a picture of the repository, not {target}."
        if not re.match(r"(https?|mailto):", target):
            return f"expected https: but received {target}; correct it."
        return None

    def judge_anchor(self, name, anchor):
        if not name.endswith(".md"):
            return (
                f"expected no #{anchor} after {name}: lines move; leave it out."
            )
        anchors = self.page(name).anchors
        if unquote(anchor) in anchors:
            return None
        known = ", ".join(sorted(anchors)) or "none"
        return (
            f"expected a heading of {name} but received #{anchor}; has: {known}"
        )

    def resolve(self, page, path):
        """The name from the root of what a page's link leads to; "" is the
        root itself, None is outside."""
        parts = page.name.split("/")[:-1] if path else page.name.split("/")
        for part in unquote(path).split("/"):
            if part == "..":
                if not parts:
                    return None
                parts.pop()
            elif part not in ("", "."):
                parts.append(part)
        return "/".join(parts)

    def inside_targets(self, page):
        """The names of the files that a page's links and pictures lead to."""
        for _, _, target, _ in all_links(page):
            path = target.partition("#")[0]
            if path and not OUTSIDE.match(target):
                name = self.resolve(page, path)
                if name and (self.root / name).is_file():
                    yield name


def all_links(page):
    """(line, "link" or "image", target, text)"""
    for line, token in page.inlines():
        if token.type == "link_open":
            yield line, "link", token.attrGet("href"), "."
        elif token.type == "image":
            yield line, "image", token.attrGet("src"), token.content


def outside(page):
    """(address, line) of what is not ours, bare ones too."""
    for line, token in page.inlines():
        if token.type == "link_open":
            if OUTSIDE.match(token.attrGet("href")):
                yield token.attrGet("href"), line
        elif token.type == "text":
            for match in BARE.finditer(token.content):
                yield match[0].rstrip(".,;:"), line


def check_footnotes(page):
    """Each has its text, and each text is asked for."""
    for line, token in page.inlines():
        lost = token.type == "text" and LOST_FOOTNOTE.search(token.content)
        if lost:
            what = (
                f"expected a line '{lost[0]}: ...' for this footnote; add it."
            )
            yield Problem(page.name, line, what)
    refs = page.footnotes.get("footnotes", {}).get("refs", {})
    for name, number in refs.items():
        if number < 0:
            label = f"[^{name.lstrip(':')}]"
            line = next(
                (n for n, l in enumerate(page.lines, 1) if f"{label}:" in l), 1
            )
            what = f"expected {label} somewhere in the text; add it, or leave "
            yield Problem(page.name, line, what + "this footnote out.")
