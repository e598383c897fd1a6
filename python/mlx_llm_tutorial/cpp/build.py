# SPDX-License-Identifier: MIT
"""A cell on its way to something that can be loaded or run: read, written as a
C++ file, looked up in the cache, compiled if it is not there.
"""

import pathlib
import shlex
import time
from dataclasses import dataclass

from . import generate
from .cache import key_of, write
from .errors import CppError, from_compiler, from_source, warnings
from .library import Library, find_library
from .processes import CompileFailed
from .source import Source
from .tokens import SourceError


@dataclass(frozen=True)
class Named:
    """A cell that others include by its name."""

    key: str
    path: pathlib.Path  # of the header
    text: str
    uses_library: bool


@dataclass(frozen=True)
class Built:
    key: str
    path: pathlib.Path  # of the module or program
    source: Source
    seconds: float  # 0 if it was in the cache
    warnings: list
    text: str  # what was compiled, and how: for --show
    command: str
    named: Named | None


class Build:
    """Everything between a cell and its product. Raises CppError."""

    def __init__(self, toolchain, named, options, text):
        self.toolchain, self.cache = toolchain, toolchain.cache
        self.named, self.options, self.text = named, options, text

    def run(self):
        try:
            return self.build(Source(self.text, self.options.kind))
        except SourceError as error:
            raise from_source(error, self.text) from None

    def build(self, source):
        headers, library = self.used(source)
        text, header = self.texts(source, headers, library)
        options = self.options
        key = key_of(
            self.toolchain.key, str(options.level), text, header, library.stamp
        )
        folder = self.cache.folder(key)

        def final(template):
            template = template.replace(generate.CELL, str(folder / "cell.cpp"))
            return template.replace(generate.KEY, key)

        write(folder / "cell.cpp", f"{options.line}\n{self.text}")
        write(folder / "generated.cpp", final(text))
        named = None
        if options.name:
            path = folder / "named" / options.name
            named = Named(key, path, final(header), bool(library.path))
            self.write_named(named)
        product, command = self.product(folder, library)
        start = time.perf_counter()
        is_new = not product.is_file()
        if is_new:
            self.compile(source, folder, product, command)
        seconds = time.perf_counter() - start if is_new else 0.0
        return Built(
            key=key,
            path=product,
            source=source,
            seconds=seconds,
            warnings=remembered(folder),
            text=final(text),
            command=shlex.join([*command, "-o", str(product)]),
            named=named,
        )

    def used(self, source):
        """({name: path of a named cell}, the library if it is needed)"""
        headers, uses_library = {}, False
        for token, name, is_quoted in source.includes:
            if name.startswith("llm/"):
                uses_library = True
            elif is_quoted and name in self.named:
                cell = self.named[name]
                self.write_named(cell)
                headers[name] = cell.path
                uses_library = uses_library or cell.uses_library
            elif is_quoted and "/" not in name:
                raise SourceError(self.unknown(name), token.start)
        return headers, find_library() if uses_library else Library()

    def write_named(self, cell):
        """Again, if it was evicted."""
        self.cache.folder(cell.key)
        cell.path.parent.mkdir(exist_ok=True)
        write(cell.path, cell.text)

    def unknown(self, name):
        known = ", ".join(self.named) or "none"
        return (
            f"expected a named cell but received '{name}'; run the cell that "
            f"begins with %%cpp --name {name} first. Named cells: {known}."
        )

    def texts(self, source, headers, library):
        """What is compiled, and the header of a named cell."""
        arguments = headers, library.definitions
        if source.kind == "main":
            return generate.program_text(source, *arguments), ""
        exports = self.options.exports
        text = generate.module_text(source, exports, *arguments)
        if not self.options.name:
            return text, ""
        return text, generate.header_text(source, *arguments)

    def product(self, folder, library):
        """The file to make, and the command that makes it."""
        source, level = folder / "generated.cpp", self.options.level
        if self.options.kind == "main":
            make = self.toolchain.program_command
            return folder / "program", make(source, level, library.flags())
        make = self.toolchain.module_command
        return folder / "module.so", make(source, level, library.flags())

    def compile(self, source, folder, product, command):
        cell = folder / "cell.cpp"
        try:
            level = self.options.level
            said = self.toolchain.compile(product, command, level)
        except CompileFailed as error:
            notes = self.options.notes
            raise from_compiler(str(error), cell, source, notes) from None
        texts = warnings(said, cell, source)
        if texts:
            write(folder / "warnings.txt", "\n".join(texts))
        self.cache.evict()


def remembered(folder):
    """The warnings of the compilation."""
    path = folder / "warnings.txt"
    return path.read_text().splitlines() if path.is_file() else []
