# SPDX-License-Identifier: MIT
"""The files of the page: small, without anybody else's code, and without what
would make a text into code."""

import gzip
import json
import pathlib
import re

import pytest

APP = pathlib.Path(__file__).resolve().parents[2] / "code" / "web_interface"
MODULES = [APP / "script.js", *sorted((APP / "js").glob("*.js"))]
FILES = [
    *MODULES,
    *(f for k in ("html", "css", "svg") for f in APP.glob(f"*.{k}")),
]


def with_imports(module, found):
    """The module and all that its static imports bring."""
    if module not in found:
        found.add(module)
        for name in re.findall(r'from "(\.[^"]+)"', module.read_text()):
            with_imports((module.parent / name).resolve(), found)
    return found


@pytest.mark.parametrize(
    "view", re.findall(r'import\("\./(js/\w+\.js)"\)', MODULES[0].read_text())
)
def test_a_view_loads_at_most_60_kilobytes_gzipped(view):
    """Views come when they are opened; this one is the first."""
    loaded = {f for f in FILES if f.suffix != ".js"}
    with_imports(MODULES[0], loaded)
    with_imports(APP / view, loaded)
    sizes = {f.name: len(gzip.compress(f.read_bytes(), 6)) for f in loaded}
    assert sum(sizes.values()) <= 60 * 1024, sizes
    assert len(sizes) > 20


def test_modules_are_under_400_lines():
    long = [f.name for f in MODULES if f.read_text().count("\n") >= 400]
    assert long == []


@pytest.mark.parametrize(
    "pattern",
    [
        r"\.(inner|outer)HTML\b|insertAdjacentHTML|document\.write",
        r"\beval\(|new Function\(|setTimeout\(\s*['\"`]",
        r"createContextualFragment|DOMParser|srcdoc",
        r"https?://(?!www\.w3\.org/|html\.spec|127\.0\.0\.1)[a-z]",
        r"\sstyle=\"|<script(?![^>]*src=)|\son[a-z]+=\"",
    ],
)
def test_nothing_makes_text_into_code_or_asks_others(pattern):
    """What a comment says of a source is no request."""
    found = [
        f"{f.name}:{number}: {line.strip()}"
        for f in FILES
        for number, line in enumerate(f.read_text().split("\n"), 1)
        if re.search(pattern, re.sub(r"(?<!:)//.*|^\s*\*.*", "", line))
    ]
    assert found == []


def test_every_module_is_used():
    text = "\n".join(f.read_text() for f in [*MODULES, APP / "index.html"])
    for module in MODULES[1:]:
        assert f'/{module.name}"' in text, module.name


def test_example_says_where_it_comes_from():
    found = json.loads((APP / "example.json").read_text())
    assert re.fullmatch("[0-9a-f]{64}", found["model"]["sha256"])
    start = found["events"][0][1]
    assert isinstance(start["seed"], int) and found["events"][-1][0] == "done"
