# SPDX-License-Identifier: MIT
"""The C++ blocks of pages, compiled as cells of notebooks are (the same flags,
the same precompiled prelude), side by side, and each only once: the result lies
in the cache under a key of all that it depends on.
"""

import contextlib
import functools
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor

from mlx_llm_tutorial.cpp.cache import (
    Cache,
    home,
    key_of,
    locked,
    write,
)
from mlx_llm_tutorial.cpp.errors import (
    CppError,
    diagnostics,
    from_linker,
    shorter,
)
from mlx_llm_tutorial.cpp.generate import LINE_BY_LINE, macros
from mlx_llm_tutorial.cpp.library import Library, find_library
from mlx_llm_tutorial.cpp.processes import CompileFailed, run
from mlx_llm_tutorial.cpp.toolchain import Toolchain

LEVEL = 2  # -O2
INCLUDE = re.compile(
    r"^[ \t]*#[ \t]*include[ \t]*[<\"]([^>\"]+)[>\"][^\n]*", re.M
)
NAME = "block.cpp"  # what the compiler calls it


class Failure(Exception):
    """A block that does not do what its words say, with a line of the page."""

    def __init__(self, line, what):
        super().__init__(what)
        self.line = line


class Compiler:
    """Raises CppError without a compiler, MLX or the built package."""

    def __init__(self, jobs=None):
        self.tools = Toolchain(Cache())
        self.cache = Cache(home() / "cache" / "docs")
        self.pool = ThreadPoolExecutor(jobs or os.cpu_count())
        self.tasks = {}
        self.prepare()

    def prepare(self):
        """Compiles the prelude, if no notebook has done so."""
        precompiled = self.tools.header(LEVEL)[1]
        with locked(self.tools.folder), contextlib.redirect_stdout(sys.stderr):
            command = self.tools.preparations(LEVEL)[precompiled]
            if not precompiled.is_file():
                self.tools.compile_missing({precompiled: command})

    @functools.cached_property
    def library(self):
        try:
            return find_library()
        except CppError as error:
            raise Failure(1, str(error)) from None

    def submit(self, fence):
        """Begins to compile a block, behind those that wait already."""
        self.tasks[id(fence)] = self.pool.submit(self.compile, fence)

    def result(self, fence):
        """The path of the program, or None if there is nothing to run. Raises
        Failure."""
        if id(fence) not in self.tasks:
            self.submit(fence)
        return self.tasks[id(fence)].result()

    def stop(self):
        self.pool.shutdown(cancel_futures=True)

    def compile(self, fence):
        library = Library()
        if any(name.startswith("llm/") for name in INCLUDE.findall(fence.text)):
            library = self.library
        text = source_text(fence, library.definitions)
        key = key_of(self.tools.key, fence.kind, text, library.stamp)
        folder = self.cache.folder(key)
        write(folder / NAME, text)
        if fence.kind == "run":
            return self.link(fence, folder, library)
        said = self.check(folder, library)
        if fence.kind == "fails":
            judge_failure(fence, said)
        elif said:
            raise failure(fence, said)
        return None

    def link(self, fence, folder, library):
        program = folder / "program"
        if not program.is_file():
            flags = library.flags()
            command = self.tools.program_command(folder / NAME, LEVEL, flags)
            try:
                self.tools.compile(program, command, LEVEL)
            except CompileFailed as error:
                raise failure(fence, str(error)) from None
            self.cache.evict()
        return program

    def check(self, folder, library):
        """What the compiler says against a text; "" if it takes it."""
        answer = folder / "answer.txt"
        if not answer.is_file():
            flags = [f for f in library.flags() if f.startswith("-isystem")]
            command = self.tools.command(folder / NAME, LEVEL, flags)
            status, said = run([*command, "-fsyntax-only"])
            write(answer, (said or "it failed") if status != 0 else "")
        return answer.read_text(encoding="utf-8")


def source_text(fence, definitions):
    """What is compiled: line 1 is the first line of the block."""
    top, text = macros(definitions) + LINE_BY_LINE, fence.text
    begin = f'#line 1 "{NAME}"\n'
    if not fence.is_body:
        return top + begin + text
    for match in INCLUDE.finditer(text):
        top += match[0].strip() + "\n"
    text = INCLUDE.sub("", text)
    return f"{top}int main() {{\n{begin}{text}}}\n"


def failure(fence, said):
    """The first error of the compiler, at the page's line."""
    errors = [d for d in diagnostics(said, NAME) if d.is_error]
    if not errors:
        return Failure(fence.line, str(from_linker(said)).split("\n")[0])
    line = fence.line + min(errors[0].line or 0, fence.end - fence.line)
    return Failure(line, f"does not compile: {errors[0].message}")


def judge_failure(fence, said):
    """A block that must not compile, and whose error has these words."""
    if not said:
        raise Failure(fence.line, "expected an error but it compiles.")
    plain = " ".join(shorter_lines(said).split())
    wanted = [" ".join(words.split()) for words in fence.detail.split(" | ")]
    if not any(words in plain for words in wanted):
        errors = [d.message for d in diagnostics(said, NAME) if d.is_error]
        first = errors[0] if errors else plain[:200]
        what = (
            f"expected an error with '{fence.detail}' but the compiler says: "
        )
        raise Failure(fence.line, what + first)


def shorter_lines(said):
    """All that was said, both as it was and with the short names."""
    return said + "\n".join(shorter(line) for line in said.splitlines())
