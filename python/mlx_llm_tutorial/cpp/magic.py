# SPDX-License-Identifier: MIT
"""The magic itself: its options, and what a cell leaves in the notebook."""

import argparse
import re
import shlex
import sys
import time
from dataclasses import dataclass

from .build import Build
from .cache import Cache
from .errors import CppError, briefly, understandable
from .processes import run_program
from .toolchain import Toolchain, load

USAGE = """C++ in a cell, called from Python.

    %%cpp f g            compile the cell; f and g become Python functions
    %%cpp                with void bind(nb::module_& m) {...}: your own bindings
    %%cpp --name x.hpp   other cells may #include "x.hpp"
    %%cpp --run          statements, run now
    %%cpp --main         a program with int main(), in a process of its own

    -O0, -O2             optimization; -O2 is what you get without
    --time               how long it took to compile, load and run
    --show               the C++ file that is compiled, and the command
    --notes              all that the compiler says about an error

MLX is mx::, nanobind nb::, and #include "llm/..." takes from the library of the
course. seed(n) in Python sets the random numbers of both languages.
"""
NAME = re.compile(r"[A-Za-z_]\w*(\.\w+)+")


@dataclass(frozen=True)
class Options:
    exports: tuple
    kind: str  # module, run or main
    name: str
    level: int  # 0 or 2
    time: bool
    show: bool
    notes: bool
    line: str  # the magic's own, as the first line of the cell


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise CppError(f"[%%cpp] {message}; %%cpp? shows what there is.")


def make_parser():
    parser = Parser(prog="%%cpp", add_help=False, allow_abbrev=False)
    parser.add_argument("exports", nargs="*")
    parser.add_argument("--name", default="")
    parser.add_argument("--run", action="store_true")
    parser.add_argument("--main", action="store_true")
    parser.add_argument("-O", dest="level", type=int, choices=[0, 2], default=2)
    for flag in ("--time", "--show", "--notes"):
        parser.add_argument(flag, action="store_true")
    return parser


def parse(line):
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise CppError(f"[%%cpp] {error} in '{line}'.") from None
    found = make_parser().parse_intermixed_args(words)
    kinds = [kind for kind in ("run", "main") if getattr(found, kind)]
    extra = kinds[1:] + found.exports + ([found.name] if found.name else [])
    if kinds and extra:
        raise CppError(
            f"[%%cpp] expected --{kinds[0]} alone but received '{extra[0]}' too; "
            "use two cells."
        )
    if found.name and not NAME.fullmatch(found.name):
        raise CppError(
            "[%%cpp] expected a name such as model.hpp after --name but received "
            f"'{found.name}'."
        )
    return Options(
        exports=tuple(dict.fromkeys(found.exports)),
        kind=kinds[0] if kinds else "module",
        name=found.name,
        level=found.level,
        time=found.time,
        show=found.show,
        notes=found.notes,
        line=f"%%cpp {line}".rstrip(),
    )


class Cells:
    """The C++ cells of one kernel."""

    def __init__(self, shell):
        self.shell = shell
        self.toolchain = None
        self.named = {}  # "x.hpp" -> Named

    def prepare(self, level=2):
        """May be called again when what was missing is there. Raises CppError."""
        with understandable():
            if self.toolchain is None:
                self.toolchain = Toolchain(Cache())
            self.toolchain.prepare(level)

    def cell(self, line, cell):
        options = parse(line)
        self.prepare(options.level)
        with understandable():
            built = Build(self.toolchain, self.named, options, cell).run()
        self.tell(options, built)
        self.use(options, built)

    def tell(self, options, built):
        if options.show:
            print(f"{built.text}\n{built.command}")
        for warning in built.warnings[:3]:
            print(f"warning: {warning}", file=sys.stderr)

    def use(self, options, built):
        times = [f"compile {took(built.seconds)}"]
        start = time.perf_counter()
        if options.kind == "main":
            run_program(built.path)
            times.append(f"run {took(time.perf_counter() - start)}")
        else:
            module = self.module(built)
            times.append(f"load {took(time.perf_counter() - start)}")
            self.share(options, built, module)
        if options.kind == "run":
            start = time.perf_counter()
            run_statements(module)
            times.append(f"run {took(time.perf_counter() - start)}")
        if options.time:
            print(", ".join(times))

    def module(self, built):
        """Loaded once: a cell that is run again without a change has the same
        types as before, so that objects made with it stay good."""
        name = f"cell_{built.key}"
        return sys.modules.get(name) or load(name, built.path)

    def share(self, options, built, module):
        """Puts exports and what `bind` bound into the notebook."""
        if built.named:
            self.named[options.name] = built.named
        functions = built.source.found.functions
        names = list(options.exports)
        if any(f.name == "bind" for f in functions):
            names += [n for n in vars(module) if not n.startswith("_")]
        for name in names:
            self.shell.user_ns[name] = getattr(module, name)
        if not names and not options.name and options.kind == "module":
            known = " ".join(dict.fromkeys(f.name for f in functions)) or "f"
            print(f"Nothing is exported; to call it, begin with: %%cpp {known}")


def run_statements(module):
    """An exception of C++ is shown without the lines of this file."""
    try:
        module.run_cell()
    except (Exception, KeyboardInterrupt) as error:
        raise briefly(error) from None


def took(seconds):
    if seconds == 0:
        return "0 (from the cache)"
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{seconds * 1000:.1f} ms"
