# SPDX-License-Identifier: MIT
"""The pages of the course: what they say of the code and of the results is
true, their blocks run, and print what they show."""

import json
import pathlib

import pytest
import runs
from checks import Site, list_mac, summary
from pages import find_pages
from programs import Compiler

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMES = [path.relative_to(ROOT).as_posix() for path in find_pages(ROOT)]


@pytest.fixture(scope="module")
def site():
    return Site(ROOT)


@pytest.fixture(scope="module")
def compiler(site):
    """Which compiles the blocks of all pages while the first ones run."""
    compiler = Compiler()
    for page in site.pages:
        runs.submit(page, compiler)
    yield compiler
    compiler.stop()


@pytest.fixture
def page(site, request):
    return next(p for p in site.pages if p.name == request.param)


def told(problems):
    return "\n".join(sorted(map(str, problems)))


def test_there_are_pages(site):
    """Or the tests below would pass without any."""
    contents = json.loads((ROOT / "public/docs/contents.json").read_text())
    listed = [page for group in contents for page in group["pages"]]
    assert len(listed) == len(site.pages) >= 14, summary(site.pages)
    assert list(list_mac(site)), "blocks for a Mac"


@pytest.mark.parametrize("page", NAMES, indirect=True)
def test_a_page_is_right(site, page):
    assert told(site.check_page(page)) == ""


def test_all_pages_together(site):
    assert told(site.check_rest()) == ""


@pytest.mark.parametrize("page", NAMES, indirect=True)
def test_a_page_does_what_it_says(compiler, page):
    results = list(runs.run_page(page, compiler))
    assert told(r.problem for r in results if r.problem) == ""
    assert len(results) == len(runs.blocks(page))
