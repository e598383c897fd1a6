# SPDX-License-Identifier: MIT
"""docs check, run, write and build as they are called."""

import importlib.util
import json

import pytest
from docs_repository import BEFORE, MIDDLE, RESULT, SCRIPTS

spec = importlib.util.spec_from_file_location("docs", SCRIPTS / "__main__.py")
docs = importlib.util.module_from_spec(spec)
spec.loader.exec_module(docs)


@pytest.fixture
def call(repository, capsys):
    """call(word...) -> (exit status, standard output, standard error)"""

    def call(*words):
        status = docs.main(list(words), repository.root)
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


OUTPUT = "```python run\nprint(1 + 1)\n```\n\n```text output\n{}\n```\n"
VALUE = (
    "It took <!-- value: run.json result.seconds .0f -->{}<!-- /value --> s.\n"
)


def test_check(repository, call):
    status, said, summary = call("check")
    assert status == 0 and said == ""
    assert summary == (
        "1 pages, 1 blocks of code: 0 not run (0.0%), 0 for a Mac; 0 values of "
        "results: no problems\n"
    )
    repository.page("An experimant.\n")
    status, said, summary = call("check", "page")
    assert status == 1 and summary.endswith("results: 1 problem\n")
    assert said.startswith(f"public/docs/page.md:{BEFORE + 1}: expected a word")


@pytest.mark.parametrize(
    "name", ["page", "page.md", "docs/page", "public/docs/page.md"]
)
def test_names_of_pages(call, name):
    assert call("check", name)[0] == 0


def test_a_page_that_is_not_there(call, capsys):
    with pytest.raises(SystemExit) as ended:
        call("check", "age")
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "received 'age'; choose from: public/docs/page.md" in said


@pytest.mark.parametrize("words", [[], ["bild"], ["check", "--fast"]])
def test_words_that_are_not_there(call, words):
    with pytest.raises(SystemExit) as ended:
        call(*words)
    assert ended.value.code == 2


def test_lists(repository, call):
    text = (
        "See [a](https://example.org/b) and https://example.org/a, 12 ms.\n\n"
    )
    text += "```bash mac\nbrew --version\n```\n\n```bash skip: it waits\nls\n```\n\n"
    repository.page(text + VALUE.format(123))
    place = f"public/docs/page.md:{BEFORE + 1}"
    assert call("check", "--links")[1] == (
        f"https://example.org/a\t{place}\nhttps://example.org/b\t{place}\n"
    )
    mac = f"public/docs/page.md:{BEFORE + 3}:\nbrew --version\n"
    assert call("check", "--mac")[1] == mac
    skipped = f"public/docs/page.md:{BEFORE + 7}: it waits\n"
    assert call("check", "--skipped")[1] == skipped
    assert call("check", "--numbers")[1] == f"{place}: 12 ms\n"


def test_run(repository, call):
    repository.page(OUTPUT.format(2))
    status, said, progress = call("run")
    assert status == 0 and said == ""
    assert f"public/docs/page.md:{BEFORE + 1}: python run: " in progress
    assert progress.endswith("0 with problems\n")
    repository.page(OUTPUT.format(3))
    status, said, progress = call("run", "page")
    assert status == 1 and progress.endswith("1 with problems\n")
    assert said.startswith(
        f"public/docs/page.md:{BEFORE + 6}: expected '3' but received '2'"
    )


def test_write_refreshes_all(repository, call):
    fence = "1. One:\n\n   " + OUTPUT.replace("\n", "\n   ").strip() + "\n\n"
    repository.page(
        VALUE.format(9) + "\n" + fence.format(3) + OUTPUT.format(2.01)
    )
    old = repository.read()
    repository.write(
        "public/docs/page.md", old.replace("  int deeper = 3;\n", "")
    )
    status, said, _ = call("write")
    assert status == 0
    assert said == (
        "public/docs/page.md: refreshed\npublic/docs/page.md: outputs refreshed\n"
    )
    new = old.replace("-->9<", "-->123<").replace("   3\n", "   2\n")
    assert repository.read() == new  # 2.01 is near enough
    assert call("write")[:2] == (0, "")
    assert call("check")[0] == call("run")[0] == 0


def test_write_fills_what_is_empty(repository, call):
    text = "<!-- snippet: llm/nn/part.cpp#middle -->\n```cpp\n```\n\n"
    text += OUTPUT.replace("{}\n", "")
    repository.page(text)
    assert call("write", "page")[0] == 0
    assert repository.read().count(MIDDLE.strip()) == 2
    assert repository.read().endswith(OUTPUT.format(2))


def test_write_without_running(repository, call):
    repository.page(VALUE.format(9) + "\n" + OUTPUT.format(3))
    assert call("write", "--no-run")[0] == 0
    text = repository.read()
    assert text.endswith(VALUE.format(123) + "\n" + OUTPUT.format(3))


def test_write_does_not_hide_a_failure(repository, call):
    repository.page(OUTPUT.format(3).replace("1 + 1", "1 / 0"))
    old = repository.read()
    status, _, _ = call("write")
    assert status == 1 and repository.read() == old


def test_values(repository, call):
    repository.page(
        "<!-- value: run.json result.seconds /60 .1f --><!-- /value -->,\n".replace(
            "<!-- value", "A <!-- value", 1
        )
        + "b <!-- value: run.json result.seconds *100 ,.0f -->x<!-- /value -->,\n"
        "c <!-- value: run.json result.fp32.speed ,d -->x<!-- /value -->,\n"
        "d <!-- value: run.json result.rows.-1.loss g -->x<!-- /value -->,\n"
        "e <!-- value: run.json result.rows[name=a].loss .2f -->x<!-- /value -->,\n"
        "f <!-- value: run.json result.rows.1.name s -->x<!-- /value -->.\n"
    )
    assert call("write", "--no-run")[0] == 0
    shown = [
        line.split("-->")[1].split("<")[0]
        for line in repository.read().splitlines()[-6:]
    ]
    assert shown == ["2.1", "12,346", "2,048", "2.5", "1.50", "b"]
    assert call("check")[0] == 0
    changed = json.dumps(RESULT).replace("123.456", "60")
    repository.write("benchmarks/results/run.json", changed)
    assert call("check")[1].count("expected") == 2


def test_build(repository, call):
    repository.write("public/index.html", "<p>reader</p>")
    repository.write("public/node_modules/x.js", "")
    repository.write("tutorials/own.md", "# Own\n")
    repository.write("llm/nn/other.h", "")
    repository.page("See [it](../../llm/nn/part.cpp#L1), [all](../../llm).\n")
    status, said, lack = call("build")
    assert status == 0 and "public/vendor is missing" in lack
    out = repository.root / "build/docs"
    found = sorted(p.relative_to(out).as_posix() for p in out.rglob("*.*"))
    assert found == [
        "index.html",
        "llm/nn/part.cpp",
        "public/docs/contents.json",
        "public/docs/page.md",
        "public/index.html",
        "tutorials/own.md",
    ]
    repository.write("public/vendor/marked.js", "")
    (repository.root / "tutorials/own.md").unlink()
    assert "vendor" not in call("build")[2]
    assert not (out / "tutorials/own.md").exists()
