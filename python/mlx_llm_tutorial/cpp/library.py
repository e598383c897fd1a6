# SPDX-License-Identifier: MIT
"""The C++ library of the course, for cells that include "llm/...". The build
leaves build_info.json beside the package: where its headers are, the shared
library, and the macros that it was compiled with.
"""

import json
import pathlib
from dataclasses import dataclass

from .cache import key_of
from .canary import version
from .errors import CppError

BUILD = "./tutorial notebook --build"
loaded = {}  # path -> stamp of the library that this kernel works with


@dataclass(frozen=True)
class Library:
    path: str = ""
    folders: tuple = ()
    definitions: tuple = ()
    stamp: str = ""  # changes with the library and its headers

    def flags(self):
        if not self.path:
            return []
        folder = pathlib.Path(self.path).parent
        headers = [f for f in self.folders if f != "/usr/include"]
        includes = [f"-isystem{folder}" for folder in headers]
        return [*includes, self.path, f"-Wl,-rpath,{folder}"]


def find_library(package_path=None):
    """Raises CppError if it is not built, or not for this MLX."""
    if package_path is None:
        import mlx_llm_tutorial

        package_path = mlx_llm_tutorial.__path__
    files = [
        pathlib.Path(folder) / "build_info.json" for folder in package_path
    ]
    file = next((f for f in files if f.is_file()), None)
    if file is None:
        raise CppError(
            '[%%cpp] expected the built library of the course for #include "llm/'
            f'..." but found no build_info.json; run: {BUILD}'
        )
    info = json.loads(file.read_text(encoding="utf-8"))
    if info["mlx"] != version("mlx"):
        raise CppError(
            f"[%%cpp] expected the library to be built for MLX {version('mlx')} "
            f"but received one for {info['mlx']}; run: {BUILD}"
        )
    path = str(file.parent / info["library"])
    folders = tuple(info["include_dirs"])
    if not pathlib.Path(path).is_file():
        raise CppError(
            f"[%%cpp] expected the library at {path} but found nothing; run: "
            f"{BUILD}"
        )
    stamp = stamp_of(path, folders)
    library = Library(path, folders, tuple(info["definitions"]), stamp)
    if loaded.setdefault(path, library.stamp) != library.stamp:
        raise CppError(
            "[%%cpp] expected the library that this kernel works with but it was "
            "built again, or a header changed; restart the kernel."
        )
    return library


def stamp_of(library, folders):
    """From the time and size of the library and of each header."""
    paths = [pathlib.Path(library)]
    for folder in folders:
        paths += sorted(pathlib.Path(folder).glob("llm/*/*.h"))
    states = [(path, path.stat()) for path in paths]
    return key_of(*(f"{p} {s.st_mtime_ns} {s.st_size}" for p, s in states))
