# SPDX-License-Identifier: MIT
"""`docs write`: regions of files, values of results, figures and outputs, as
they are now, into the pages. What fits already is left alone.
"""

import outputs
import values
from pages import Page


def replaced(page, changes):
    """The text of a page; `changes`: [(fence, new text)]."""
    lines = page.text.split("\n")
    for fence, text in sorted(changes, key=lambda c: -c[0].line):
        new = text.removesuffix("\n").split("\n") if text else []
        new = [f"{fence.prefix}{line}".rstrip() for line in new]
        lines[fence.line : fence.end - 1] = new
    return "\n".join(lines)


def save(page, text):
    """Writes the text if it is another; returns the page as it is then."""
    if text == page.text:
        return page
    part = page.path.with_name(f".{page.path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(page.path)
    return Page(page.root, page.path)


def write_values(page, results):
    return save(page, values.filled(page, results))


def write_regions(page, regions):
    changes = []
    for fence in page.fences:
        if fence.snippet:
            try:
                changes.append((fence, regions.text(fence.snippet)))
            except LookupError:
                pass  # check says so
    changes = [(f, text) for f, text in changes if f.text != text]
    return save(page, replaced(page, changes))


def write_outputs(page, results):
    """`results`: of the blocks of this page. Outputs that match stay."""
    changes = [
        (result.fence.output, outputs.for_page(result.said))
        for result in results
        if result.problem and result.said is not None and result.fence.output
    ]
    return save(page, replaced(page, changes))
