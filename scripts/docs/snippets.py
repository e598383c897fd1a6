# SPDX-License-Identifier: MIT
"""Code in pages that comes from files which are compiled and tested anyway:

    // [snippet attention]          # [snippet name] in Python, shell and CMake
    ...
    // [/snippet]

and in the page, above a fence: <!-- snippet: llm/nn/attention.cpp#attention -->
"""

import re
import textwrap

from pages import SNIPPET, Problem

FOLDERS = ("llm", "code", "python", "tests", "benchmarks", "scripts")
FOLDERS += ("exercises", "cmake")
NOT = ("scripts/docs/", "tests/docs/")  # which speak of markers
SUFFIXES = (".h", ".hpp", ".cpp", ".py", ".sh", ".cmake", ".txt")
BEGIN = re.compile(r"\s*(?://|#)\s*\[snippet ([^\]\s]+)\]\s*")
END = re.compile(r"\s*(?://|#)\s*\[/snippet\]\s*")
# A comment that nearly is a marker is a typing mistake.
NEARLY = re.compile(r"\s*(?://|#)\s*\[\s*/?\s*snip\w*\b.*")


def read_regions(path, name):
    """({region: (line, text)}, [Problem]) of a file; `name` is for messages."""
    regions, problems, open_at = {}, [], None
    text = path.read_text(encoding="utf-8", errors="replace")
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        begin = BEGIN.fullmatch(line)
        if begin and open_at is None and begin[1] not in regions:
            open_at = number, begin[1]
        elif END.fullmatch(line) and open_at:
            start, region = open_at
            text = "\n".join(lines[start : number - 1])
            regions[region] = start, textwrap.dedent(text).strip("\n") + "\n"
            open_at = None
        elif NEARLY.fullmatch(line):
            wanted = "[/snippet]" if open_at else "a new [snippet NAME]"
            what = (
                f"expected {wanted} but received '{line.strip()}'; correct it."
            )
            problems.append(Problem(name, number, what))
    if open_at:
        what = f"expected [/snippet] after [snippet {open_at[1]}]; add it."
        problems.append(Problem(name, open_at[0], what))
    return regions, problems


class Regions:
    """The regions of the files of a repository, each file read once."""

    def __init__(self, root):
        self.root, self.files, self.used = root, {}, set()
        self.problems = []

    def of(self, name):
        """{region: (line, text)}; None without such a file."""
        if name not in self.files:
            path = self.root / name
            if not path.is_file() or ".." in name.split("/"):
                return None
            self.files[name], problems = read_regions(path, name)
            self.problems += problems
        return self.files[name]

    def text(self, snippet):
        """The text of (path, region). Raises LookupError."""
        name, region = snippet
        regions = self.of(name)
        if regions is None:
            raise LookupError(
                f"expected a file but found no {name}; correct it."
            )
        if region not in regions:
            known = ", ".join(regions) or "none"
            raise LookupError(
                f"expected a region of {name} but received '{region}'; mark it "
                f"with [snippet {region}] there. Regions: {known}."
            )
        self.used.add(snippet)
        return regions[region][1]

    def unused(self):
        """Problems of all source files: marked regions that no page shows."""
        for folder in FOLDERS:
            for path in sorted((self.root / folder).rglob("*")):
                name = path.relative_to(self.root).as_posix()
                if path.suffix in SUFFIXES and not name.startswith(NOT):
                    yield from self.unused_of(name)

    def unused_of(self, name):
        for region, (line, _) in (self.of(name) or {}).items():
            if (name, region) not in self.used:
                what = (
                    f"expected a page that shows [snippet {region}] but found "
                )
                yield Problem(name, line, what + "none; take the markers out.")


def check(page, regions):
    """Each fence below a snippet comment against its region."""
    for fence in page.fences:
        if fence.snippet:
            try:
                wanted = regions.text(fence.snippet)
            except LookupError as error:
                yield Problem(page.name, fence.line, str(error))
                continue
            if fence.text != wanted:
                name = "#".join(fence.snippet)
                what = f"expected the text of {name} but it differs; run: "
                what += f"./tutorial docs write {page.name}"
                yield Problem(page.name, fence.line, what)
    yield from check_comments(page)


def check_comments(page):
    """A snippet comment must stand right above a fence."""
    lines = {f.line for f in page.fences if f.snippet}
    for match in SNIPPET.finditer(page.masked):
        comment = match[0].rstrip()
        line = page.line_at(match.start() + len(comment))
        rest = page.lines[line:]
        empty = next((n for n, l in enumerate(rest) if l.strip("> ")), 0)
        if line + empty + 1 not in lines:
            what = "expected a fence right below this comment; move it."
            yield Problem(page.name, line, what)
