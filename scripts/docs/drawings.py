# SPDX-License-Identifier: MIT
"""Figures: public/docs/figures holds what pages show, for light and dark and
for screen readers, and what a script drew is what it would draw now.
"""

import re
import subprocess
import sys

from pages import Problem

FOLDER = "public/docs/figures"
# Each draws figures, and says with --check which are old, with exit status 1.
TOOLS = ("scripts/docs/figures/__main__.py", "scripts/docs/figures/shapes.py")
WANTED = {
    "<title": "a <title>, which screen readers say",
    "<desc": "a <desc>, which screen readers say",
    "viewBox=": "a viewBox, so that it shrinks on a phone",
    "prefers-color-scheme": "colours for a dark page",
}
FORBIDDEN = re.compile(
    r"<script|<foreignObject|\son\w+=|https?://(?!www\.w3\.org/)"
)


def check(root, targets):
    """`targets`: the names of all files that pages link to."""
    for path in sorted((root / FOLDER).glob("*")):
        name = path.relative_to(root).as_posix()
        if name not in targets:
            yield Problem(name, 1, "expected a page that shows it; remove it.")
        if path.suffix == ".svg":
            yield from check_svg(name, path.read_text(encoding="utf-8"))
    for tool in TOOLS:
        yield from check_tool(root, tool)


def check_svg(name, text):
    for word, wanted in WANTED.items():
        if word not in text:
            yield Problem(name, 1, f"expected {wanted}; add it.")
    for match in FORBIDDEN.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        what = (
            f"expected a picture but received '{match[0].strip()}'; remove it."
        )
        yield Problem(name, line, what)


def check_tool(root, tool):
    """A problem for each line that the tool says."""
    done = run_tool(root, tool, "--check")
    if done and done.returncode != 0:
        for line in (done.stdout + done.stderr).strip().splitlines()[-20:]:
            name, found, what = line.partition(".svg: ")
            if found:
                yield Problem(f"{name}.svg", 1, what)
            else:
                yield Problem(tool, 1, line.strip())


def draw(root):
    """Draws what is old; yields what the tools say."""
    for tool in TOOLS:
        done = run_tool(root, tool)
        if done:
            yield from (done.stdout + done.stderr).splitlines()


def run_tool(root, tool, *arguments):
    """None if the repository has no such tool."""
    if not (root / tool).is_file():
        return None
    path = (root / tool).parent if tool.endswith("__main__.py") else root / tool
    command = [sys.executable, str(path), *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True)
