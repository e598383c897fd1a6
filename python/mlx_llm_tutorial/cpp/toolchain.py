# SPDX-License-Identifier: MIT
"""What is compiled once for a compiler: the precompiled prelude (one for each of
-O0 and -O2), nanobind, and the runtime with its canary. Then cells are quick.
"""

import importlib.machinery
import importlib.util
import pathlib
import sys
import sysconfig

from .cache import key_of, locked, making, write
from .canary import ask_canary, version, wrong_pair
from .compiler import PAIR, find_compiler, nanobind_folders
from .errors import from_loader
from .processes import CompileFailed, compile_all, run

HERE = pathlib.Path(__file__).parent
SOURCES = ["prelude.hpp", "python_stream.hpp", "runtime.cpp"]
RUNTIME = "mlx_llm_tutorial.cpp.runtime"


class Toolchain:
    """Raises CppError if there is no compiler, MLX or nanobind."""

    def __init__(self, cache):
        self.cache, self.compiler = cache, find_compiler()
        self.prelude = (HERE / "prelude.hpp").read_text(encoding="utf-8")
        self.key = key_of(
            self.compiler.path,
            self.compiler.version,
            *self.compiler.flags(2),
            *self.compiler.module_link(),
            *(f"{name} {version(name)}" for name in PAIR),
            sys.version,
            str(sysconfig.get_config_var("EXT_SUFFIX")),
            *((HERE / name).read_text(encoding="utf-8") for name in SOURCES),
        )
        self.runtime = None

    @property
    def folder(self):
        return self.cache.folder(self.key)

    def header(self, level):
        """The prelude and the file that it is compiled to."""
        folder = self.folder / f"O{level}"
        folder.mkdir(exist_ok=True)
        header = folder / "prelude.hpp"
        suffix = ".pch" if self.compiler.is_clang else ".gch"
        return header, header.with_name(header.name + suffix)

    def prepare(self, level=2):
        """Compiles what is missing, loads the runtime, asks the canary."""
        if not self.missing(level) and self.runtime:
            return
        with locked(self.folder):
            commands = self.missing(level)
            if commands:
                self.compile_missing(commands)
                self.cache.evict()
            runtime = self.folder / "runtime.so"
            if not runtime.is_file():
                self.compile_runtime(runtime)
        if not self.runtime:
            self.runtime = load(RUNTIME, runtime)
            ask_canary(self.runtime)

    def missing(self, level):
        """{file: command that makes it, without -o}"""
        commands = self.preparations(level).items()
        return {path: c for path, c in commands if not path.is_file()}

    def preparations(self, level):
        header, precompiled = self.header(level)
        write(header, self.prelude)
        flags = [self.compiler.path, *self.compiler.flags(level)]
        prelude = [*flags, "-x", "c++-header", str(header)]
        if self.compiler.is_clang:
            prelude.append("-fpch-instantiate-templates")
        _, table, sources = nanobind_folders()
        flags = [self.compiler.path, *self.compiler.flags(2), "-w", "-c"]
        flags += ["-DNDEBUG", "-DNB_COMPACT_ASSERTIONS", f"-I{table}"]
        flags += ["-ffunction-sections", "-fdata-sections"]
        nanobind = [*flags, str(sources / "nb_combined.cpp")]
        return {precompiled: prelude, self.folder / "nanobind.o": nanobind}

    def compile_missing(self, commands):
        try:
            compile_all(commands)
        except CompileFailed as error:
            raise wrong_pair("MLX and nanobind do not compile", str(error))

    def compile_runtime(self, path):
        try:
            self.compile(path, self.module_command(HERE / "runtime.cpp", 2))
        except CompileFailed as error:
            raise wrong_pair("the prelude does not compile", str(error))

    def module_command(self, source, level, extra=()):
        library = str(self.folder / "nanobind.o")
        link = [library, *extra, *self.compiler.module_link()]
        return self.command(source, level, link)

    def program_command(self, source, level, extra=()):
        link = [*extra, *self.compiler.program_link()]
        return self.command(source, level, link)

    def command(self, source, level, link):
        """Without -o. The header is named by its whole path: g++ would take
        another prelude.hpp from the folder that it runs in."""
        header, precompiled = self.header(level)
        use = ["-include", str(header)]
        if self.compiler.is_clang:
            use = ["-include-pch", str(precompiled)]
        flags = [self.compiler.path, *self.compiler.flags(level), *use]
        return [*flags, str(source), *link]

    def compile(self, output, command, level=2):
        """Returns the compiler's warnings; raises CompileFailed. A precompiled
        header that the compiler does not want any more is made again, once."""
        with making(output) as name:
            code, said = run([*command, "-o", name])
            precompiled = self.header(level)[1]
            if precompiled.name in said:
                again = self.preparations(level)[precompiled]
                self.compile_missing({precompiled: again})
                code, said = run([*command, "-o", name])
            if code != 0:
                raise CompileFailed(said)
        return said


def load(name, path):
    """Imports an extension module from a file."""
    loader = importlib.machinery.ExtensionFileLoader(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    try:
        module = importlib.util.module_from_spec(spec)
        loader.exec_module(module)
    except Exception as error:
        runtime = sys.modules.get(RUNTIME)
        demangled = runtime.demangled if runtime else str
        raise from_loader(error, demangled) from None
    sys.modules[name] = module
    return module
