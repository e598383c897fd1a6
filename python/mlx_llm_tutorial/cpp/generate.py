# SPDX-License-Identifier: MIT
"""The C++ file that is compiled for a cell.

    #include "llm/nn/linear.h"          the includes of the cell, lifted
    inline namespace v1a2b {            versioned: a struct S of another version
    #line 2 ".../1a2b/cell.cpp"         of the cell is another type
    ...                                 the cell
    }
    NB_MODULE(cell_1a2b, m) {           the exports, with the parameters' names
      m.def("f", &v1a2b::f, nb::arg("x"));
    }

The version is the key of the cache, which is made from this very text: until
then KEY stands for it, and CELL for the path of the cell's own text.
"""

import difflib

from .functions import signature
from .source import FIRST_LINE, include
from .tokens import SourceError

KEY, CELL = "@KEY@", "@CELL@"
START = "// Made from the cell of a notebook, which is cell.cpp beside this.\n"
LINE_BY_LINE = (
    "[[maybe_unused]] static const int line_by_line =\n"
    "    std::setvbuf(stdout, nullptr, _IOLBF, 1 << 16);\n"
)


def line(number):
    return f'#line {number} "{CELL}"\n'


def macros(definitions):
    return "".join(f"#define {d.replace('=', ' ', 1)}\n" for d in definitions)


def top(source, headers, definitions):
    """Macros of the library and the lifted includes. The library's types are
    visible, so that what it throws is caught by type on every system."""
    out = START + macros(definitions)
    for token, name, is_quoted in source.includes:
        text = line(source.line_of(token.start))
        text += include(name, is_quoted, headers) + "\n"
        if name.startswith("llm/"):
            text = f"#pragma GCC visibility push(default)\n{text}"
            text += "#pragma GCC visibility pop\n"
        out += text
    return out


def versioned(source, headers):
    body = line(FIRST_LINE) + source.rewritten(headers)
    if source.kind == "run":
        body = f"void run_cell() {{\n{body}\n}}"
    return f"inline namespace v{KEY} {{\n{body}\n}} // namespace v{KEY}\n"


def header_text(source, headers, definitions):
    """What `#include "name.hpp"` of a named cell finds."""
    start = "#pragma once\n" + top(source, headers, definitions)
    return start + versioned(source, headers)


def program_text(source, headers, definitions):
    start = START + macros(definitions)
    body = line(FIRST_LINE) + source.rewritten(headers)
    return start + LINE_BY_LINE + body + "\n"


def module_text(source, exports, headers, definitions):
    """A Python module with the exports of the cell."""
    lines = [f"NB_MODULE(cell_{KEY}, m) {{", "  notebook::start();"]
    lines.append("  static_cast<void>(m);")  # a cell may export nothing
    for name in exports:
        lines += bindings(source, name)
    if source.function("bind"):
        lines.append(f"  v{KEY}::bind(m);")
    if source.kind == "run":
        guard = "nb::call_guard<notebook::Flush>()"
        lines.append(f'  m.def("run_cell", &v{KEY}::run_cell, {guard});')
    text = top(source, headers, definitions) + versioned(source, headers)
    return text + "\n".join([*lines, "}", ""])


def bindings(source, name):
    """An error in one of these lines is one in the function's first line."""
    functions = source.function(name)
    if not functions:
        raise not_found(source, name)
    parts = [(f, signature(source.text, f)) for f in functions]
    is_overloaded = len(parts) > 1
    for function, s in parts:
        pointer = f"&v{KEY}::{name}"
        if is_overloaded:
            pointer = chosen(function, s, pointer)
        extra = "".join(f", {argument(p)}" for p in s.parameters)
        extra += ", nb::call_guard<notebook::Flush>()"
        yield line(source.line_of(function.offset)).rstrip()
        yield f'  m.def("{name}", {pointer}{extra});'


def chosen(function, s, pointer):
    """One of several functions of a name is chosen by its type."""
    if s.returns == "auto" and not s.trailing:
        message = f"expected the type that '{function.name}' returns but "
        message += "received auto; write it, since there are several."
        raise SourceError(message, function.offset)
    types = ", ".join(f"{p.type} {p.name}" for p in s.parameters)
    return f"static_cast<{s.returns} (*)({types}) {s.trailing}>({pointer})"


def argument(parameter):
    name = f'"{parameter.name}"' if parameter.name else ""
    value = parameter.default
    if value.startswith("{"):
        value = f"std::remove_cvref_t<{parameter.type}>{value}"
    return f"nb::arg({name})" + (f" = ({value})" if value else "")


def not_found(source, name):
    known = [f.name for f in source.found.functions if f.name != "bind"]
    if name in source.found.types:
        return SourceError(
            f"expected a function but '{name}' is a type; bind it in the cell: "
            f"void bind(nb::module_& m) {{ nb::class_<{name}>(m, "
            f'"{name}").def(nb::init<>()); }}'
        )
    if name in source.found.variables:
        return SourceError(
            f"expected a function but '{name}' is a variable; write it as a "
            "function."
        )
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean '{near[0]}'?" if near else "define it in this cell."
    listed = ", ".join(dict.fromkeys(known)) or "none"
    message = f"expected a function of this cell but received '{name}'; {hint} "
    return SourceError(message + f"Functions here: {listed}.")
