# SPDX-License-Identifier: MIT
"""public/docs/contents.json, the order of the pages: complete, and in agreement
with the heads of the pages.
"""

import json

from pages import Problem
from rules import LEVELS, read_head

NAME = "public/docs/contents.json"
KEYS = {"slug": str, "file": str, "title": str, "level": str, "minutes": int}


def check(root, pages):
    path = root / NAME
    if not path.is_file():
        yield Problem(NAME, 1, "expected the list of all pages; write it.")
        return
    text = path.read_text(encoding="utf-8")
    try:
        entries = read(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        what = "expected a list of {group, pages} but: "
        line = getattr(error, "lineno", 1)
        yield Problem(NAME, line, what + f"{error}; correct it.")
        return
    for line, what in judge(root, pages, entries, text):
        yield Problem(NAME, line, what)


def read(groups):
    """[entry] of all groups."""
    entries = []
    for group in groups:
        if not isinstance(group["group"], str):
            raise ValueError("a group without a name")
        for entry in group["pages"]:
            if set(entry) != set(KEYS):
                raise ValueError(f"{entry} has not the keys {', '.join(KEYS)}")
            for key, kind in KEYS.items():
                if not isinstance(entry[key], kind):
                    raise ValueError(
                        f"{key} of {entry['slug']}: {entry[key]!r}"
                    )
            entries.append(entry)
    return entries


def judge(root, pages, entries, text):
    """(line, what) of all that is missing, double or different."""
    by_name = {page.name: page for page in pages}
    slugs, files = set(), set()
    for entry in entries:
        line = line_of(text, f'"{entry["slug"]}"')
        if entry["slug"] in slugs:
            yield line, f"expected another slug than {entry['slug']} again."
        slugs.add(entry["slug"])
        name = name_of(root, entry["file"])
        if name in files:
            yield line, f"expected each page once but {name} is here again."
        files.add(name)
        if name not in by_name:
            yield line, f"expected a page but found no {entry['file']}."
            continue
        for what in differences(by_name[name], entry):
            yield line, what
    for name in by_name:
        if name not in files:
            yield 1, f"expected all pages but {name} is missing; add it."


def differences(page, entry):
    head = read_head(page)
    found = {"title": page.headings[0].text if page.headings else ""}
    if head:
        found.update(level=head["level"], minutes=int(head["minutes"]))
    elif entry["level"] not in LEVELS:
        yield f"expected {', '.join(LEVELS)} but received {entry['level']}."
    for key, value in found.items():
        if entry[key] != value:
            yield (
                f"expected {key} {value!r}, as the head of {page.name} says, "
                f"but received {entry[key]!r}; correct one of them."
            )


def name_of(root, file):
    """From the root, of a path that is relative to public/."""
    path = (root / "public" / file).resolve()
    try:
        return path.relative_to(root.resolve()).as_posix()
    except ValueError:
        return file


def line_of(text, wanted):
    lines = text.split("\n")
    return next((n for n, line in enumerate(lines, 1) if wanted in line), 1)
