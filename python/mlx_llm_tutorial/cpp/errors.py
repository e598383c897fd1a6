# SPDX-License-Identifier: MIT
"""What the reader sees when a cell is wrong: one message, the line of the cell
and a caret. All that the compiler said is in `CppError.full`, and shown by
%%cpp --notes.
"""

import contextlib
import re

from .tokens import place

LONGEST = 300  # characters of a message
# What the compiler writes and what the reader wrote.
SHORTER = [
    (re.compile(r"\bv[0-9a-f]{16}::|inline namespace v[0-9a-f]{16}"), ""),
    (re.compile(r"\bmlx::core::"), "mx::"),
    (re.compile(r"\bstd::(__cxx11|__1)::"), "std::"),
    (re.compile(r"\bstd::basic_string<char>"), "std::string"),
]
# path:line:column: error: message. g++ leaves the column out at times, and
# names the place of use in a line of its own, before the error.
PLACE = re.compile(
    r"(?:In file included from |\s+from )?(?P<path>[^:\n]+):(?P<line>\d+)"
    r"(?::(?P<column>\d+))?[:,]\s*(?:(?P<kind>fatal error|error|warning|note): )?"
    r"(?P<message>.*)"
)
# Of the linker: a program's missing names, on Linux and on a Mac.
LINKER = re.compile(
    r"undefined reference to [`']([^'\n]+)'|Undefined symbols.*\n\s*\"([^\"]+)"
)
# Of the loader: a module's.
LOADER = re.compile(r"undefined symbol: (\w+)|in flat namespace '_(\w+)")


class CppError(Exception):
    """Shown without a traceback. `full`: all that the compiler said."""

    def __init__(self, message, full=""):
        super().__init__(message)
        self.full = full

    def _render_traceback_(self):
        return [f"{type(self).__name__}: {self}"]


class Diagnostic:
    """An error or warning with the place in the cell that it belongs to."""

    def __init__(self, found, line, column):
        self.is_error = found["kind"] != "warning"
        self.message = shorter(found["message"])
        self.line, self.column = line, column  # None: not in the cell


def shorter(text):
    for pattern, new in SHORTER:
        text = pattern.sub(new, text)
    return text if len(text) <= LONGEST else text[:LONGEST] + " ..."


def diagnostics(said, cell):
    """The errors and warnings in a compiler's text. One inside a header is
    placed where the cell uses it: g++ says that before, clang after."""
    out, used = [], None
    for text in said.splitlines():
        found = PLACE.match(text)
        if not found:
            continue
        is_here = found["path"] == str(cell)
        where = int(found["line"]), int(found["column"] or 0)
        if found["kind"] in ("error", "fatal error", "warning"):
            line, column = where if is_here else (used or (None, 0))
            out.append(Diagnostic(found, line, column))
            used = None
        elif is_here and out and found["kind"] == "note":
            if out[-1].line is None:
                out[-1].line, out[-1].column = where
        elif is_here:
            used = where
    return out


def from_source(error, text):
    """A CppError from a SourceError; `text` is the C++ of the cell."""
    if error.offset is None:
        return CppError(str(error))
    line, column = place(text, error.offset)
    return CppError(shown(f"{error}", line + 1, column, text))


def from_compiler(said, cell, source, has_notes):
    """The first error of a compilation, and how to see the rest."""
    found = diagnostics(said, cell)
    errors = [d for d in found if d.is_error]
    if not errors:
        return from_linker(said)
    first = errors[0]
    message = first.message
    if first.line is not None:
        column = source.column(first.line, first.column or 1)
        message = shown(message, first.line, column, source.text)
    if has_notes:
        message += "\n\n" + said.rstrip()
    elif len(errors) > 1 or ": note: " in said or "..." in message:
        more = len(errors) - 1
        more = f"{more} more error{'s' * (more > 1)}. " if more else ""
        message += f"\n{more}%%cpp --notes shows all that the compiler says."
    return CppError(message, said)


def from_linker(said):
    found = LINKER.search(said)
    if not found:
        return CppError("the compiler failed:\n" + said.rstrip(), said)
    return CppError(undefined(found[1] or found[2]), said)


def from_loader(error, demangled):
    """`demangled` makes "g(int)" of "_Z1gi"."""
    found = LOADER.search(str(error))
    if not found:
        return CppError(f"the cell does not load: {error}")
    return CppError(undefined(demangled(found[1] or found[2])))


def undefined(name):
    return (
        f"expected a definition of {shorter(name).strip()} but found only its "
        "declaration; define it in the cell, or include what defines it."
    )


def warnings(said, cell, source):
    """Short texts of the warnings about the cell itself."""
    found = [d for d in diagnostics(said, cell) if not d.is_error]
    return [f"line {d.line}: {d.message}" for d in found if d.line is not None]


def shown(message, line, column, text):
    """The message with the learner's line, counted from the %%cpp, and a caret
    below the column."""
    lines = text.split("\n")
    row = line - 2
    code = lines[row].rstrip() if 0 <= row < len(lines) else ""
    if not code:
        return f"line {line}: {message}"
    number = f"{line:5}"
    before = "".join(c if c == "\t" else " " for c in code[: column - 1])
    return (
        f"line {line}: {message}\n\n{number} | {code}\n"
        f"{' ' * len(number)} | {before}^"
    )


def briefly(error):
    """The same exception, which notebooks then show without a traceback."""
    text = f"{type(error).__name__}: {error}".removesuffix(": ")
    error._render_traceback_ = lambda: [text]
    return error


@contextlib.contextmanager
def understandable():
    """For all that happens between a cell and its product."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise briefly(error) from None
    except OSError as error:
        raise CppError(
            f"[%%cpp] expected a cache that can be written but received: {error}; "
            "make room, or name another folder in MLX_TUTORIAL_HOME."
        ) from None
