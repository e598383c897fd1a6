# SPDX-License-Identifier: MIT
"""All that can be said of the pages without running a block."""

import re

import contents
import drawings
import links
import rules
import snippets
import spelling
import values
from pages import Page, Problem, find_pages

LIMIT = 0.05  # of the blocks may be shown without being run
# A measured number that no result file vouches for, probably.
UNITS = r"tokens/s|tokens a second|ms|µs|GB/s|GFLOPS?|nats|times (?:as|faster)"
NUMBER = re.compile(rf"(?<![\w.])\d[\d,.]*\s?(?:{UNITS})\b")


class Site:
    """The pages of a repository and what they are compared with."""

    def __init__(self, root):
        self.root = root
        self.pages = [Page(root, path) for path in find_pages(root)]
        self.regions = snippets.Regions(root)
        self.results = values.Results(root)
        self.links = links.Links(root, self.pages)

    def check_page(self, page):
        """Every rule for one page."""
        yield from page.problems
        yield from rules.check(page)
        yield from snippets.check(page, self.regions)
        yield from values.check(page, self.results)
        yield from self.links.check(page)
        yield from spelling.check(page)

    def check_rest(self):
        """What concerns no page alone, or documents that are no pages."""
        for page in self.pages:
            list(snippets.check(page, self.regions))  # they are in use
        yield from self.regions.unused()
        yield from self.regions.problems
        for document in self.links.documents():
            yield from self.links.check(document)
            yield from values.check(document, self.results)
        yield from contents.check(self.root, self.pages)
        yield from drawings.check(self.root, self.targets())
        yield from check_share(self.pages)

    def check(self):
        """All problems, sorted."""
        found = [p for page in self.pages for p in self.check_page(page)]
        return sorted(set([*found, *self.check_rest()]))

    def targets(self):
        shown = [*self.pages, *self.links.documents()]
        return {t for page in shown for t in self.links.inside_targets(page)}


# --- what is counted and listed ----------------------------------------------


def code(pages):
    return [(p, f) for p in pages for f in p.fences if f.is_code]


def skipped(pages):
    return [(p, f) for p, f in code(pages) if f.kind == "skip"]


def check_share(pages):
    every, left_out = code(pages), skipped(pages)
    if len(left_out) > LIMIT * len(every):
        page, fence = left_out[0]
        what = f"expected at most {LIMIT:.0%} of {len(every)} blocks to be "
        what += f"skipped but received {len(left_out)}; make some run: docs "
        yield Problem(page.name, fence.line, what + "check --skipped lists.")


def summary(pages):
    every, left_out = code(pages), skipped(pages)
    mac = sum(f.kind == "mac" for _, f in every)
    share = len(left_out) / len(every) if every else 0
    shown = sum(len(list(values.matches(page))) for page in pages)
    return (
        f"{len(pages)} pages, {len(every)} blocks of code: {len(left_out)} not "
        f"run ({share:.1%}), {mac} for a Mac; {shown} values of results"
    )


def list_links(site):
    """A line for each address, with the places that use it."""
    places = {}
    for page in [*site.pages, *site.links.documents()]:
        for address, line in links.outside(page):
            places.setdefault(address, []).append(f"{page.name}:{line}")
    for address in sorted(places):
        yield f"{address}\t{' '.join(places[address])}"


def list_mac(site):
    for page, fence in code(site.pages):
        if fence.kind == "mac":
            yield f"{page.name}:{fence.line}:\n{fence.text.rstrip()}"


def list_skipped(site):
    for page, fence in skipped(site.pages):
        yield f"{page.name}:{fence.line}: {fence.detail}"


def list_numbers(site):
    """Numbers with a unit that stand outside of <!-- value -->."""
    for page in site.pages:
        text = values.VALUE.sub(blanked, page.masked)
        for match in NUMBER.finditer(text):
            yield f"{page.name}:{page.line_at(match.start())}: {match[0]}"


def blanked(match):
    return re.sub(r"[^\n]", " ", match[0])
