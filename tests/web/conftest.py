# SPDX-License-Identifier: MIT
"""The real page from the real server in the system's Chromium. A test fails on
anything that the browser complains of: an error on the console, an exception, a
broken rule of the content security policy, a request to another origin."""

import contextlib
import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/python"), str(ROOT / "benchmarks")]

from page_server import PageServer  # noqa: E402
from sample_page import READY, sample_files  # noqa: E402
from smollm2 import gguf_file  # noqa: E402
from support.browser import Browser, find_browser, wait_for  # noqa: E402
from support.web_stub import Stub  # noqa: E402
from web_models import add_smollm2, serve, trained_models  # noqa: E402


@pytest.fixture(scope="session")
def browser():
    path = find_browser()
    if path is None:
        reason = "Chromium or Chrome is not installed (CHROMIUM names one)"
        if os.environ.get("LLM_DEEP") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with Browser(path) as browser:
        yield browser


@pytest.fixture(scope="session")
def server():
    with serve(trained_models(), "--model", "tiny") as server:
        yield server
        assert server.process.poll() is None, server.said()


@pytest.fixture(scope="session")
def smollm2_server(tmp_path_factory):
    models = tmp_path_factory.mktemp("real") / "models"
    models.mkdir()
    add_smollm2(models, gguf_file())
    with serve(models, "--model", "smollm2") as server:
        yield server
        assert server.process.poll() is None, server.said()


@pytest.fixture
def new_stub():
    """new_stub(pieces) -> a Stub that lives as long as the visitors do."""
    with contextlib.ExitStack() as stack:
        yield lambda *pieces: stack.enter_context(Stub(*pieces))


@pytest.fixture
def new_server():
    """new_server(models, options...) -> a web_server, for as long."""
    with contextlib.ExitStack() as stack:
        yield lambda *words: stack.enter_context(serve(*words))


@pytest.fixture
def new_visitor(browser, new_server, new_stub, new_pages):
    """new_visitor(server, color_scheme="dark", ...) -> a Visitor. At the end of
    the test none of them may have had a problem. The servers are named because
    they have to end after the visitors."""
    visitors = []

    def new_visitor(server, **options):
        visitors.append(browser.visitor(server.url, **options))
        return visitors[-1]

    yield new_visitor
    problems = []
    for visitor in visitors:
        problems += visitor.close()
    assert problems == []


@pytest.fixture
def visit(new_visitor):
    """visit(server, "#/attention", color_scheme="dark", ...) -> page."""

    def visit(server, route="#/", **options):
        return new_visitor(server, **options).go(route)

    return visit


@pytest.fixture
def read(new_visitor):
    """read(server, "#/performance", ["404"]) -> the page of public/index.html;
    complaints with one of these words are expected."""

    def read(server, route="#/", expected=(), **options):
        page = new_visitor(server, **options).page
        page.visitor.expect(*expected)
        page.goto(f"{server.url}/public/index.html{route}")
        return page

    return read


@pytest.fixture
def new_pages():
    """new_pages(files, ...) -> a PageServer that lives as long."""
    with contextlib.ExitStack() as stack:
        yield lambda *a, **k: stack.enter_context(PageServer(*a, **k))


@pytest.fixture(scope="session")
def pages():
    """The repository as it is."""
    with PageServer() as server:
        yield server


@pytest.fixture(scope="session")
def site():
    """The repository with the sample page."""
    with PageServer(sample_files()) as server:
        yield server


@pytest.fixture
def sample(read, site):
    page = read(site, "#/sample")
    wait_for(page, READY)
    return page


@pytest.fixture
def page(visit, server):
    return visit(server)
