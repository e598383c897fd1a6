# SPDX-License-Identifier: MIT
"""Fenced blocks and what the words behind their language ask for:

    cpp run [body]          compiled and run; body: statements, without a main
    cpp syntax [body]       compiled only
    cpp [body] fails: W     must not compile, and the compiler says W
    python run              all of a page share one interpreter
    bash run [exit=N]       in the page's folder, in a sandboxed home
    bash mac                only on a Mac: listed
    LANGUAGE skip: REASON   shown only: counted
    LANGUAGE file=NAME      written into the page's folder; append=NAME: added
    text output [rel=X] [shape]   what the block before it prints

A fence right after `<!-- snippet: PATH#NAME -->` is that region of the file.
"""

import json
import re
from dataclasses import dataclass, field

import yaml

# What each language that can run has to say about itself.
RUNNABLE = {
    "cpp": "run, syntax, fails: WORDS, skip: REASON or file=NAME",
    "python": "run, skip: REASON or file=NAME",
    "bash": "run, mac, skip: REASON or file=NAME",
    "cmake": "file=NAME or skip: REASON",
}
KINDS = {
    "cpp": ("run", "syntax", "fails", "skip"),
    "python": ("run", "skip"),
    "bash": ("run", "mac", "skip"),
    "cmake": ("skip",),
    "text": ("output",),
}
PLAIN = ("text", "json", "jsonl", "yaml", "diff", "toml", "markdown", "html")
OTHER_NAMES = {
    **dict.fromkeys(("c++", "cxx", "cc", "c", "h", "hpp"), "cpp"),
    **dict.fromkeys(("py", "python3", "pycon", "ipython"), "python"),
    **dict.fromkeys(("sh", "shell", "console", "zsh", "terminal"), "bash"),
    **dict.fromkeys(("", "txt", "plain", "output", "plaintext"), "text"),
    "yml": "yaml",
}
OPTIONS = {  # option: the kinds that take it
    "body": ("run", "syntax", "fails"),
    "exit": ("run",),
    "rel": ("output",),
    "shape": ("output",),
}


class FenceError(Exception):
    """What is wrong with a fence, and what to write."""


@dataclass
class Fence:
    language: str
    text: str
    line: int  # of the opening ```
    end: int  # of the closing one
    prefix: str = ""  # before each of its lines: in lists and quotations
    kind: str = "plain"
    detail: str = ""  # reason, the compiler's words, or the file's name
    options: dict = field(default_factory=dict)
    snippet: tuple | None = None  # path, name
    output: "Fence | None" = None  # what it prints

    @property
    def is_body(self):
        return "body" in self.options

    @property
    def is_code(self):
        return self.language in RUNNABLE

    def __str__(self):
        return f"{self.language} {self.kind}"


def read_info(info):
    """(language, kind, detail, options) of the words after ```."""
    language, _, rest = info.strip().partition(" ")
    if language == "mermaid":
        raise FenceError("expected a figure but received mermaid; draw an SVG.")
    if language in OTHER_NAMES:
        name = OTHER_NAMES[language]
        raise FenceError(
            f"expected a language but received '{language}'; write ```{name}."
        )
    if language not in RUNNABLE and language not in PLAIN:
        known = ", ".join([*RUNNABLE, *PLAIN])
        raise FenceError(
            f"expected a language but received '{language}'; choose from: "
            f"{known}."
        )
    return language, *read_words(language, rest)


def read_words(language, rest):
    """(kind, detail, options); the kind is "" if none is given."""
    kind, detail, options = "", "", {}
    with_text = re.search(r"\b(skip|fails):(.*)$", rest)
    if with_text:
        kind, detail = with_text[1], with_text[2].strip()
        rest = rest[: with_text.start()]
        if not detail:
            raise FenceError(f"expected words after {kind}: but found none.")
    for word in rest.split():
        name, has_value, value = word.partition("=")
        if name in ("file", "append"):
            name, detail = check_file(name, value)
        elif name in OPTIONS:
            options[name] = read_option(name, value, bool(has_value))
            continue
        if kind:
            raise FenceError(f"expected one of {kind} and {name}, not both.")
        kind = name
    check_kind(language, kind)
    for name in options:
        if kind not in OPTIONS[name]:
            wanted = " or ".join(OPTIONS[name])
            raise FenceError(f"expected {name} beside {wanted}; leave it out.")
    return kind, detail, options


def check_kind(language, kind):
    known = (*KINDS.get(language, ()), "file", "append", "")
    if kind not in known:
        wanted = RUNNABLE.get(language, "output or file=NAME")
        raise FenceError(
            f"expected {wanted} after {language} but received '{kind}'."
        )


def check_file(kind, name):
    if not name or name.startswith("/") or ".." in name.split("/"):
        raise FenceError(
            f"expected a path inside of the page's folder after {kind}= but "
            f"received '{name}'."
        )
    return kind, name


def read_option(name, value, has_value):
    if name in ("body", "shape"):
        if has_value:
            raise FenceError(f"expected {name} without a value.")
        return True
    try:
        return int(value) if name == "exit" else float(value)
    except ValueError:
        raise FenceError(
            f"expected a number after {name}= but received '{value}'."
        ) from None


def check_bare(fence):
    """Code that nobody runs must say so."""
    if fence.kind == "" and fence.is_code and not fence.snippet:
        raise FenceError(
            f"expected a {fence.language} block that says what is done with it "
            f"but received a bare one; write ```{fence.language} and "
            f"{RUNNABLE[fence.language]}, or put it into a file and name the "
            "region above: <!-- snippet: PATH#NAME -->"
        )


def check_data(fence):
    """JSON and YAML must parse."""
    try:
        if fence.language == "json":
            json.loads(fence.text)
        elif fence.language == "jsonl":
            for line in fence.text.splitlines():
                json.loads(line)
        elif fence.language == "yaml":
            yaml.safe_load(fence.text)
    except (ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise FenceError(
            f"expected {fence.language} that parses but: {reason}; correct it, "
            "or write ```text."
        ) from None
