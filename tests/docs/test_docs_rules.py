# SPDX-License-Identifier: MIT
"""Each rule for pages has a page that breaks it, and says so with its line."""

import pytest
from docs_repository import BEFORE, PAGE


def test_a_right_page_has_no_problem(repository):
    assert repository.check() == []


RIGHT = {
    "all kinds of fences": """```cpp run
int main() {}
```

```text output rel=0.2
...
```

```cpp run body exit=3
std::exit(3);
```

```cpp syntax
int f();
```

```cpp body fails: no match
1 + std::string();
```

```python skip: it never ends
while True: pass
```

```bash mac
brew --version
```

```cmake file=CMakeLists.txt
project(x)
```

```text append=notes.txt
a word
```

```json
{"a": [1, 2]}
```

```yaml
a: [1, 2]
```

```text
plain
```
"""
    + "\n```python run\n```\n" * 20,
    "a fence in a list": "1. First:\n\n   ```python run\n   print(1)\n   ```\n",
    "links": "[here](page.md#a-page), [this](#a-page), [up](../../llm/nn/part.cpp)"
    " and\n<https://example.org/a_b>, [a folder](../../llm)\n",
    "a footnote": "Words[^1] and more.\n\n[^1]: Of a *book*.\n",
    "a value": "It took <!-- value: run.json result.seconds .1f -->123.5"
    "<!-- /value --> seconds.\n",
    "the same in code": "`<!-- value: nothing -->` and\n\n```text\n<!-- x:\n```\n",
    "an exercise": "## Exercises\n\n★★ What?\n\n<details>\n"
    "<summary>Solution</summary>\n\nThat.\n\n</details>\n",
    "a callout": "> [!NOTE]\n> This is a note.\n",
    "formulas": "Let $x_i$ be $a\\_bxyz$ and\n\n$$\nzxq = \\frac{qqq}{b}\n$$\n",
    "names and plurals": "The reader's PyTorch, GPUs, SmolLM2's, q4_0, fp32.\n",
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right(repository, name):
    repository.page(RIGHT[name])
    assert repository.check() == []


# name: (text after the head, line in it, what is said)
WRONG = {
    "bare cpp": (
        "\n```cpp\nint x;\n```\n",
        2,
        "bare one; write ```cpp and run",
    ),
    "bare bash": ("```bash\nls\n```\n", 1, "bare one; write ```bash and run"),
    "bare cmake": (
        "```cmake\nproject(x)\n```\n",
        1,
        "write ```cmake and file=",
    ),
    "no language": ("```\nx\n```\n", 1, "write ```text"),
    "other name": ("```sh\nls\n```\n", 1, "received 'sh'; write ```bash"),
    "unknown language": ("```cobol\nx\n```\n", 1, "received 'cobol'"),
    "mermaid": ("```mermaid\nx\n```\n", 1, "draw an SVG"),
    "unknown word": ("```cpp runs\nx\n```\n", 1, "received 'runs'"),
    "kind of another": ("```cpp mac\nx\n```\n", 1, "received 'mac'"),
    "two kinds": ("```cpp run syntax\nx\n```\n", 1, "not both"),
    "skip without reason": ("```cpp skip:\nx\n```\n", 1, "words after skip:"),
    "fails without words": ("```cpp fails:\nx\n```\n", 1, "words after fails:"),
    "file outside": ("```cpp file=../x.h\nx\n```\n", 1, "inside of the page's"),
    "exit of a skip": (
        "```bash exit=3 skip: no\nx\n```\n",
        1,
        "exit beside run",
    ),
    "rel no number": (
        "```python run\n```\n\n```text output rel=few\n```\n",
        4,
        "a number after rel=",
    ),
    "unclosed": ("```text\nx\n", 1, "closing ```"),
    "indented code": ("Text:\n\n    int x;\n", 3, "a fence (```) for code"),
    "lost output": ("Text.\n\n```text output\n1\n```\n", 3, "right before"),
    "output of no run": (
        "```cpp syntax\nint f();\n```\n\n```text output\n1\n```\n",
        5,
        "right before this output",
    ),
    "json": ('```json\n{"a": 1,}\n```\n', 1, "json that parses but"),
    "yaml": ("```yaml\na: [1\n```\n", 1, "yaml that parses but"),
    "unknown file": (
        "<!-- snippet: llm/nn/no.cpp#x -->\n```cpp\n```\n",
        2,
        "found no llm/nn/no.cpp",
    ),
    "unknown region": (
        "<!-- snippet: llm/nn/part.cpp#end -->\n```cpp\n```\n",
        2,
        "received 'end'; mark it",
    ),
    "old region": (
        "<!-- snippet: llm/nn/part.cpp#middle -->\n```cpp\nint middle = 1;\n```\n",
        2,
        "the text of llm/nn/part.cpp#middle but it differs",
    ),
    "snippet without fence": (
        "<!-- snippet: llm/nn/part.cpp#middle -->\n\nText.\n",
        1,
        "a fence right below",
    ),
    "old value": (
        "\nIt took <!-- value: run.json result.seconds .1f -->99"
        "<!-- /value --> s.\n",
        2,
        "expected 123.5 but received 99",
    ),
    "value without file": (
        "It <!-- value: no.json a d -->1<!-- /value -->.\n",
        1,
        "found no 'no.json'",
    ),
    "value without path": (
        "It <!-- value: run.json result.second .1f -->1<!-- /value -->.\n",
        1,
        "expected 'second' in an object that has: seconds, fp32.speed, rows",
    ),
    "value of a list": (
        "It <!-- value: run.json result.rows .1f -->1<!-- /value -->.\n",
        1,
        "a list of 2",
    ),
    "value without format": (
        "It <!-- value: run.json result.seconds d -->1<!-- /value -->.\n",
        1,
        "a format for 123.456",
    ),
    "half a value": (
        "It <!-- value: run.json result.seconds d -->1.\n",
        1,
        "found half of it",
    ),
    "dead link": ("\n\nSee [x](no.md).\n", 3, "public/docs/no.md is not there"),
    "dead link after code": (
        "A `long\ncode` [x](no.md).\n",
        2,
        "public/docs/no.md is not there",
    ),
    "dead anchor": (
        "See [x](#nothing).\n",
        1,
        "received #nothing; has: a-page",
    ),
    "anchor of code": ("[x](../../llm/nn/part.cpp#L3)\n", 1, "lines move"),
    "absolute link": ("See [x](/docs/page.md).\n", 1, "a relative link"),
    "link out of here": ("See [x](../../../y.md).\n", 1, "into the repository"),
    "ftp": ("See [x](ftp://example.org/x).\n", 1, "expected https:"),
    "no picture": ("![what one sees](no.svg)\n", 1, "no.svg is not there"),
    "no description": ("![](page.md)\n", 1, "what one sees"),
    "remote picture": (
        "![x](https://example.org/x.png)\n",
        1,
        "of the repository",
    ),
    "lost footnote": ("Words[^2].\n", 1, "'[^2]: ...'"),
    "unused footnote": ("Words.\n\n[^2]: A book.\n", 3, "[^2] somewhere"),
    "html": ('Text <a name="x">y</a>\n', 1, "Markdown but received <a name"),
    "html block": ("<hr>\n", 1, "received <hr>"),
    "open details": (
        "<details>\n<summary>More</summary>\n\nText.\n",
        1,
        "</details> after this",
    ),
    "closed details": ("Text.\n\n</details>\n", 3, "<details> before this"),
    "no empty line": (
        "<details>\n<summary>More</summary>\n**Text**.\n\n</details>\n",
        3,
        "an empty line after HTML",
    ),
    "comment begins a line": (
        "It took\n<!-- value: run.json result.seconds .1f -->123.5"
        "<!-- /value --> seconds.\n",
        2,
        "no comment at the line's beginning",
    ),
    "misspelt comment": ("Text <!-- vaule: x --> y.\n", 1, "received 'vaule'"),
    "unknown callout": ("> [!HINT]\n> This is one.\n", 1, "received HINT"),
    "long line": ("word " * 25 + "\n", 1, "at most 120 columns"),
    "no solution": ("## Exercises\n\n★ What?\n", 1, "found 0 and 1"),
    "no mark": (
        "## Exercises\n\nWhat?\n\n<details>\n<summary>Solution</summary>\n\n"
        "That ★.\n\n</details>\n",
        1,
        "found 1 and 0",
    ),
    "spelling": ("\nAn experimant with words.\n", 2, "received 'experimant'"),
    "spelling in a table": (
        "| a | b |\n| --- | --- |\n| c | wrod |\n",
        3,
        "received 'wrod'",
    ),
    "second title": ("# Another title\n", 1, "one # title"),
    "second folder": (
        "<!-- docs: folder=empty -->\n",
        1,
        "one <!-- docs: folder=... -->",
    ),
    "unknown folder": ("<!-- docs: folder=here -->\n", 1, "received here"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong(repository, name):
    text, line, said = WRONG[name]
    if "folder" in name:
        head = PAGE.replace("<!-- docs: folder=repository -->", "Text.")
        text = text if name == "unknown folder" else text * 2
        line = line if name == "unknown folder" else line + 1
        repository.page(text, head)
    else:
        repository.page(text)
    problems = repository.check()
    assert len(problems) == 1, problems
    assert problems[0].startswith(f"public/docs/page.md:{BEFORE + line}: ")
    assert said in problems[0]


HEADS = {
    "no title": (PAGE.replace("# A page", "A page"), 1, "'# Title'"),
    "no head": (PAGE.replace("**Level:**", "Level"), 3, "a head like this"),
    "no minutes": (PAGE.replace("5 minutes", "soon"), 3, "a head like this"),
    "unknown level": (PAGE.replace("start", "easy"), 3, "received easy"),
    "no paragraph": (PAGE.replace("After this", "## After"), 5, "a paragraph"),
}


@pytest.mark.parametrize("name", HEADS)
def test_what_is_wrong_with_a_head(repository, name):
    head, line, said = HEADS[name]
    repository.page("", head)
    problems = [p for p in repository.check() if "contents.json" not in p]
    assert len(problems) == 1, problems
    assert problems[0].startswith(f"public/docs/page.md:{line}: ")
    assert said in problems[0]


def test_blocks_need_a_folder(repository):
    text = "```python run\nprint(1)\n```\n"
    repository.page(
        text, PAGE.replace("<!-- docs: folder=repository -->\n", "")
    )
    assert len(repository.check()) == 1
    assert "expected <!-- docs: folder=repository -->" in repository.check()[0]
    # Too late is no better.
    late = text + "\n<!-- docs: folder=empty -->\n"
    repository.page(
        late, PAGE.replace("<!-- docs: folder=repository -->\n", "")
    )
    assert "above this" in repository.check()[0]


def test_a_page_that_is_empty_or_no_text(repository):
    repository.write("public/docs/page.md", "")
    assert any(":1: expected '# Title'" in p for p in repository.check())
    repository.page("")
    path = repository.root / "public/docs/page.md"
    path.write_bytes(path.read_bytes() + b"\nM\xe4dchen.\n")
    problems = [p for p in repository.check() if "UTF-8" in p]
    assert len(problems) == 1 and f"page.md:{BEFORE + 2}: " in problems[0]


def test_a_result_that_is_no_json(repository):
    repository.write("benchmarks/results/run.json", "{")
    text = WRONG["old value"][0]
    repository.page(text)
    (problem,) = repository.check()
    assert "expected JSON in benchmarks/results/run.json but: " in problem


def test_a_tutorial_needs_exercises(repository):
    repository.write("tutorials/own.md", PAGE)
    problems = [p for p in repository.check() if p.startswith("tutorials")]
    assert problems == [
        "tutorials/own.md:1: expected a section '### Exercises' but found none; "
        "add it."
    ]


def test_how_many_blocks_may_be_skipped(repository):
    skip, run = "```bash skip: no\nls\n```\n\n", "```bash run\nls\n```\n\n"
    repository.page(skip + run * 18)  # 1 of 20, with the snippet
    assert repository.check() == []
    repository.page(skip + run * 17)
    problems = repository.check()
    assert len(problems) == 1 and "at most 5% of 19 blocks" in problems[0]
    assert problems[0].startswith(f"public/docs/page.md:{BEFORE + 1}: ")
