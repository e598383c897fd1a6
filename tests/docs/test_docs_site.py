# SPDX-License-Identifier: MIT
"""What concerns more than one page: regions that nobody shows, the list of
pages, figures, documents that are no pages."""

import subprocess

import pytest
from docs_repository import CONTENTS, PAGE, SOURCE
from pages import slug

# --- regions -----------------------------------------------------------------

REGIONS = {
    "unused": ("// [snippet other]\n// [/snippet]\n", 7, "takes"),
    "open": ("// [snippet other]\n", 7, "[/snippet] after [snippet other]"),
    "closed twice": ("// [/snippet]\n", 7, "a new [snippet NAME]"),
    "same name": ("// [snippet middle]\n", 7, "a new [snippet NAME]"),
    "nested": (
        "// [snippet a]\n// [snippet b]\n// [/snippet]\n",
        8,
        "expected [/snippet] but received '// [snippet b]'",
    ),
    "misspelt": ("# [snipet other]\n", 7, "received '# [snipet other]'"),
}


@pytest.mark.parametrize("name", REGIONS)
def test_regions(repository, name):
    text, line, said = REGIONS[name]
    repository.write("llm/nn/part.cpp", SOURCE + text)
    problems = [p for p in repository.check() if f"part.cpp:{line}: " in p]
    assert len(problems) == 1
    assert name == "unused" or said in problems[0]


def test_a_region_that_no_page_shows(repository):
    repository.write("code/tool.py", "# [snippet own]\nx = 1\n# [/snippet]\n")
    assert repository.check() == [
        "code/tool.py:1: expected a page that shows [snippet own] but found none; "
        "take the markers out."
    ]


# --- the list of pages -------------------------------------------------------


@pytest.mark.parametrize(
    "change, said",
    [
        ({"title": "Another"}, "expected title 'A page'"),
        ({"level": "expert"}, "expected level 'start'"),
        ({"minutes": 6}, "expected minutes 5"),
        ({"minutes": "5"}, "minutes of page: '5'"),
        ({"file": "docs/other.md"}, "found no docs/other.md"),
        ({"more": 1}, "has not the keys"),
    ],
)
def test_contents_that_disagree(repository, change, said):
    repository.contents({**CONTENTS, **change})
    problems = repository.check()
    assert problems[0].startswith("public/docs/contents.json:")
    assert any(said in problem for problem in problems)


def test_contents_have_each_page_once(repository):
    repository.contents(CONTENTS, {**CONTENTS, "slug": "again"})
    assert "public/docs/page.md is here again" in repository.check()[0]
    repository.contents(CONTENTS, CONTENTS)
    assert any("another slug" in p for p in repository.check())
    repository.contents()
    assert "public/docs/page.md is missing" in repository.check()[0]


def test_contents_that_do_not_parse(repository):
    repository.write("public/docs/contents.json", "[\n{]\n")
    assert repository.check()[0].startswith("public/docs/contents.json:2: ")
    (repository.root / "public/docs/contents.json").unlink()
    assert "expected the list of all pages" in repository.check()[0]


def test_tutorials_are_in_the_contents(repository):
    text = (
        PAGE.replace("A page", "Own") + "## Exercises\n\n★ What?\n\n<details>\n"
    )
    text += "<summary>Solution</summary>\n\nThat.\n\n</details>\n"
    repository.write("tutorials/own.md", text)
    own = {"slug": "own", "file": "../tutorials/own.md", "title": "Own"}
    repository.contents(CONTENTS, {**CONTENTS, **own})
    assert repository.check() == []


# --- figures -----------------------------------------------------------------

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><title>T</title>'
    "<desc>D</desc><style>@media (prefers-color-scheme: dark) {}</style></svg>\n"
)
FIGURE = "public/docs/figures/roof.svg"


def test_a_figure_that_is_right(repository):
    repository.write(FIGURE, SVG)
    repository.page("![A roof](figures/roof.svg)\n")
    assert repository.check() == []


@pytest.mark.parametrize(
    "old, new, said",
    [
        ("<title>T</title>", "", "a <title>"),
        ("<desc>D</desc>", "", "a <desc>"),
        ("viewBox", "view", "a viewBox"),
        ("prefers-color-scheme", "print", "colours for a dark page"),
        ("</svg>", "<script>1</script></svg>", "received '<script'"),
        ("<title>", "<title onload='x'>", "received 'onload='"),
    ],
)
def test_a_figure_that_is_wrong(repository, old, new, said):
    repository.page("![A roof](figures/roof.svg)\n")
    repository.write(FIGURE, SVG.replace(old, new))
    problems = repository.check()
    assert said in problems[0] and problems[0].startswith(f"{FIGURE}:1: ")


def test_a_figure_that_no_page_shows(repository):
    repository.write(FIGURE, SVG)
    assert repository.check() == [
        f"{FIGURE}:1: expected a page that shows it; remove it."
    ]


def test_a_figure_that_is_old(repository):
    """Its tool says so."""
    repository.write(FIGURE, SVG)
    repository.page("![A roof](figures/roof.svg)\n")
    tool = (
        "import sys\n"
        f"print('{FIGURE}: drawn from other inputs')\n"
        "sys.exit(sys.argv[1:] == ['--check'])\n"
    )
    repository.write("scripts/docs/figures/__main__.py", tool)
    assert repository.check() == [f"{FIGURE}:1: drawn from other inputs"]


# --- documents, git, anchors -------------------------------------------------


def test_links_of_documents(repository):
    repository.write("README.md", "# R\n\n[x](public/docs/page.md#no)\n")
    problems = repository.check()
    assert len(problems) == 1 and problems[0].startswith("README.md:3: ")


def test_values_of_documents(repository):
    text = "# R\n\nIt is <!-- value: run.json result.seconds .0f -->9<!-- /value -->"
    repository.write("README.md", text)
    assert "README.md:3: expected 123 but received 9" in repository.check()[0]


def test_what_git_ignores_is_not_there(repository):
    """Others do not have it."""
    subprocess.run(["git", "init", "-q", repository.root], check=True)
    repository.write(".gitignore", "/build/\n")
    repository.write("build/x.txt", "x")
    repository.page("[x](../../build/x.txt) and [y](../../build)\n")
    problems = repository.check()
    assert len(problems) == 2 and "build/x.txt is not there" in problems[1]


@pytest.mark.parametrize(
    "text, anchor",
    [
        ("Two words", "two-words"),
        ("`code_name` and C++20", "code_name-and-c20"),
        ("What it does, and why?", "what-it-does-and-why"),
        ("★★ Größe – eins", "-größe--eins"),
        ("a - b", "a---b"),
    ],
)
def test_anchors_are_those_of_github(text, anchor):
    assert slug(text) == anchor


def test_anchors_of_equal_headings(repository):
    text = (
        "## One\n\n## One\n\n## One-1\n\n[a](#one) [b](#one-1) [c](#one-1-1)\n"
    )
    repository.page(text)
    assert repository.check() == []
    repository.page(text + "\n[d](#one-2)\n")
    assert "received #one-2" in repository.check()[0]
