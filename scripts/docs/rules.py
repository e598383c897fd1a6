# SPDX-License-Identifier: MIT
"""What every page has: its head, its folder, no raw HTML but folded solutions,
lines that fit, exercises with marks and solutions.
"""

import re

from pages import COMMENT, FOLDER, Problem

LEVELS = ("start", "deeper", "expert")
WIDTH = 120
HEAD = re.compile(
    r"\*\*Level:\*\* (?P<level>\S+) · "
    r"\*\*Time:\*\* (?P<minutes>\d+) minutes to read(?P<more>[^·]*?) · "
    r"\*\*Memory:\*\* (?P<memory>[^·]+) · "
    r"\*\*Apple silicon:\*\* (?P<apple>.+)"
)
HEAD_EXAMPLE = (
    "> **Level:** start · **Time:** 20 minutes to read, 3 minutes of a 2-core "
    "CPU · **Memory:** 1 GB · **Apple silicon:** not yet measured "
    "(`./tutorial bench report`)"
)
TAG = re.compile(r"</?[A-Za-z][^>]*>|<[!?](?!--)[^>]*>")
ALLOWED = {"<details>", "</details>", "<summary>", "</summary>"}
KNOWN_COMMENTS = ("snippet", "docs", "value")
KEYWORD = re.compile(r"<!--\s*(/?[a-z]+):?")
CALLOUT = re.compile(r"^\s*>\s*\[!(\w+)\]")
CALLOUTS = ("NOTE", "TIP", "IMPORTANT", "WARNING", "CAUTION")
STARS = re.compile(r"(?<!★)★{1,3}(?!★)")


def check(page):
    """All rules of one page."""
    for rule in (head, folder, html, comments, callouts, width, exercises):
        for line, what in rule(page):
            yield Problem(page.name, line, what)


# --- the head ----------------------------------------------------------------


def read_head(page):
    """The match of HEAD in the quotation below the title, or None."""
    rows = []
    for line in page.lines[2:]:
        if not line.startswith(">"):
            break
        rows.append(line.lstrip("> ").strip())
    return HEAD.fullmatch(" ".join(rows))


def head(page):
    lines = [*page.lines, "", "", ""]
    if not re.match(r"# \S", lines[0]):
        yield 1, "expected '# Title' in the first line; write it there."
    for heading in page.headings:
        if heading.level == 1 and heading.line > 1:
            yield heading.line, "expected one # title; write ## here."
    found = read_head(page)
    if not found or lines[1]:
        yield 3, f"expected a head like this in line 3: {HEAD_EXAMPLE}"
        return
    if found["level"] not in LEVELS:
        wanted = ", ".join(LEVELS)
        yield 3, f"expected {wanted} as level but received {found['level']}."
    after = next((n for n, l in enumerate(lines) if n > 2 and l[:1] != ">"), 3)
    first = next((l for l in lines[after:] if l and l[:4] != "<!--"), "")
    if lines[after : after + 1] != [""] or not re.match(r"[\w*`\"$]", first):
        what = (
            "expected an empty line and a paragraph after the head: what one "
        )
        yield after + 1, what + "can do after this page."


def folder(page):
    """Where blocks run is said once."""
    found = list(FOLDER.finditer(page.masked))
    for match in found:
        if match[1] not in ("repository", "empty"):
            what = "expected folder=repository or folder=empty but received "
            yield page.line_at(match.start()), what + f"{match[1]}."
    needs = [f for f in page.fences if f.kind in ("run", "file", "append")]
    if needs and not found:
        what = "expected <!-- docs: folder=repository --> or folder=empty "
        yield needs[0].line, what + "before the first block; add it."
    for fence in needs if len(found) == 1 else []:
        if page.line_at(found[0].start()) > fence.line:
            yield fence.line, "expected <!-- docs: folder=... --> above this."
            break
    if len(found) > 1:
        line = page.line_at(found[1].start())
        yield line, "expected one <!-- docs: folder=... -->; leave this out."


# --- what is between the words -----------------------------------------------


def html(page):
    """Folded solutions and comments, nothing else."""
    open_lines = []
    for token in page.tokens:
        if token.type == "html_block":
            yield from html_block(token, open_lines)
    told = set()  # one for a tag and its end
    for line, token in page.inlines():
        is_tag = token.type == "html_inline" and token.content[:4] != "<!--"
        if is_tag and line not in told:
            told.add(line)
            yield line, refused(token.content)
    for line in open_lines:
        yield line, "expected </details> after this but found none; add it."


def html_block(token, open_lines):
    line = token.map[0] + 1
    text = COMMENT.sub(lambda m: "\n" * m[0].count("\n"), token.content)
    for match in TAG.finditer(text):
        here = line + text.count("\n", 0, match.start())
        if match[0] not in ALLOWED:
            yield here, refused(match[0])
        elif match[0] == "<details>":
            open_lines.append(here)
        elif match[0] == "</details>":
            if not open_lines:
                yield here, "expected <details> before this but found none."
            else:
                open_lines.pop()
    rest = re.sub(r"<summary>[^<\n]+</summary>", "", text)
    rest = TAG.sub("", rest)
    if rest.strip():
        start = len(rest) - len(rest.lstrip())
        here = line + rest.count("\n", 0, start)
        what = "expected an empty line after HTML, or no comment at the line's "
        what += (
            f"beginning: GitHub shows '{rest.split(chr(10))[0].strip()[:30]}"
        )
        yield here, what + "' as it is; move it."


def refused(tag):
    return (
        f"expected Markdown but received {tag[:40]}; only <details>, <summary> "
        "and comments may be HTML; write `<...>` for text."
    )


def comments(page):
    """A misspelt comment would check nothing."""
    for match in KEYWORD.finditer(page.masked):
        word = match[1].lstrip("/")
        has_colon = match[0].endswith(":") or match[1].startswith("/")
        if has_colon and word not in KNOWN_COMMENTS:
            what = f"expected {', '.join(KNOWN_COMMENTS)} but received '{word}'"
            yield page.line_at(match.start()), what + "; correct it."


def callouts(page):
    for number, line in enumerate(page.masked.split("\n"), 1):
        found = CALLOUT.match(line)
        if found and found[1] not in CALLOUTS:
            what = f"expected {', '.join(CALLOUTS)} but received {found[1]}."
            yield number, what


def width(page):
    """What a diff can show. Tables and heads do not wrap."""
    code = {n for f in page.fences for n in range(f.line, f.end + 1)}
    for number, line in enumerate(page.lines, 1):
        text = COMMENT.sub("", line)
        may_be_long = re.match(r"\s*(\||#|> \*\*Level:|\[\^?[^\]]+\]: )", text)
        words = max((len(word) for word in text.split()), default=0)
        if number in code or may_be_long or words > WIDTH - 20:
            continue
        if len(text) > WIDTH:
            what = f"expected at most {WIDTH} columns but received {len(text)}"
            yield number, what + "; wrap the line."


# --- exercises ---------------------------------------------------------------


def exercises(page):
    """Each has a mark and a folded solution."""
    for heading in page.headings:
        if heading.text != "Exercises":
            continue
        later = [
            h.line
            for h in page.headings
            if h.line > heading.line and h.level <= heading.level
        ]
        end = later[0] - 1 if later else len(page.lines)
        text = page.masked.split("\n")[heading.line : end]
        marks, solutions, depth = 0, 0, 0
        for line in text:
            depth += line.count("<details>") - line.count("</details>")
            solutions += line.count("<summary>Solution</summary>")
            marks += len(STARS.findall(line)) if depth == 0 else 0
        if marks == 0 or marks != solutions:
            what = "expected as many <summary>Solution</summary> as exercises "
            what += (
                f"(★, ★★ or ★★★) but found {solutions} and {marks}; add them."
            )
            yield heading.line, what
    if page.name.startswith("tutorials/"):
        if not any(h.text == "Exercises" for h in page.headings):
            what = "expected a section '### Exercises' but found none; "
            yield 1, what + "add it."
