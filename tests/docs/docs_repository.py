# SPDX-License-Identifier: MIT
"""A repository of one page that is right, which each test breaks in its own
way."""

import json
import pathlib

from checks import Site

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "docs"

PAGE = """# A page

> **Level:** start · **Time:** 5 minutes to read, 1 minute of a 2-core CPU · **Memory:** 1 GB ·
> **Apple silicon:** not yet measured (`./tutorial bench report`)

After this page you can see what is wrong with a page.

<!-- docs: folder=repository -->

"""
SOURCE = """int before = 1;
  // [snippet middle]
  int middle = 2;

    int deeper = 3;
  // [/snippet]
"""
CONTENTS = {
    "slug": "page",
    "file": "docs/page.md",
    "title": "A page",
    "level": "start",
    "minutes": 5,
}
MIDDLE = """<!-- snippet: llm/nn/part.cpp#middle -->
```cpp
int middle = 2;

  int deeper = 3;
```

"""
BEFORE = (PAGE + MIDDLE).count("\n")  # lines above what Repository.page adds
RESULT = {
    "result": {
        "seconds": 123.456,
        "fp32.speed": 2048,
        "rows": [{"name": "a", "loss": 1.5}, {"name": "b", "loss": 2.5}],
    }
}


class Repository:
    """`page` and `files` replace or add to what is right."""

    def __init__(self, root):
        self.root = root
        self.write("public/docs/page.md", PAGE + MIDDLE)
        self.write("llm/nn/part.cpp", SOURCE)
        self.write("benchmarks/results/run.json", json.dumps(RESULT))
        self.contents(CONTENTS)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def contents(self, *pages):
        groups = [{"group": "Start", "pages": list(pages)}]
        self.write("public/docs/contents.json", json.dumps(groups, indent=1))

    def page(self, text, head=PAGE):
        """The page with this at its end."""
        self.write("public/docs/page.md", head + MIDDLE + text)

    def read(self, name="public/docs/page.md"):
        return (self.root / name).read_text()

    def check(self):
        return [str(problem) for problem in Site(self.root).check()]
