# SPDX-License-Identifier: MIT
"""The C++ compiler of this machine, and how it is called for a cell.

MLX_TUTORIAL_CXX names another one than g++ (Linux) or Apple's clang (macOS). CXX
is not asked: conda sets it to a compiler with a C++ library of its own.
"""

import contextlib
import ctypes.util
import functools
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass

from .errors import CppError

# Together: MLX's arrays are C++'s arrays only if both were built alike.
PAIR = {"mlx": "0.32.4", "nanobind": "3.1.0"}
INSTALL = {
    "darwin": "xcode-select --install",
    "linux": "apt-get install g++",
}
WARNINGS = ["-Wall", "-Wextra", "-Wno-missing-field-initializers"]


@dataclass(frozen=True)
class Compiler:
    path: str
    version: str  # the first line of --version
    sdk: str = ""  # macOS
    system: str = sys.platform

    @property
    def is_clang(self):
        return "clang" in self.version

    def flags(self, level):
        """Of every compilation at -O<level>, headers and precompiled header
        included."""
        flags = ["-std=c++20", f"-O{level}", "-fPIC", "-fvisibility=hidden"]
        flags += ["-fno-strict-aliasing", "-DNB_DOMAIN=mlx", *WARNINGS]
        flags.append("-fdiagnostics-color=never")
        if self.is_clang:
            flags.append("-Werror=string-conversion")  # mx::sum(x, "axis")
            flags.append("-ferror-limit=5")
        else:
            flags += ["-fdiagnostics-column-unit=byte", "-Winvalid-pch"]
            flags.append("-fmax-errors=5")
            # GCC 12 warns of copies that cannot happen (GCC bug 105329).
            flags += ["-Wno-restrict", "-Wno-stringop-overflow"]
            flags += ["-Wno-array-bounds"]
        folders = [mlx_folder() / "include", *nanobind_folders()[:1]]
        folders.append(pathlib.Path(sysconfig.get_paths()["include"]))
        if self.system == "darwin":
            folders.append(mlx_folder() / "include" / "metal_cpp")
            flags += ["-mmacosx-version-min=14.0", "-isysroot", self.sdk]
            flags += ["-D_METAL_", "-DACCELERATE_NEW_LAPACK"]
        return flags + [f"-isystem{folder}" for folder in folders]

    def module_link(self):
        if self.system == "darwin":
            flags = ["-bundle", "-undefined", "dynamic_lookup"]
        else:
            flags = ["-shared", "-s", "-Wl,--gc-sections"]
        return flags + self.mlx_link()

    def program_link(self):
        """On Linux with OpenBLAS before MLX, which has a slow BLAS."""
        blas = ctypes.util.find_library("openblas")
        if self.system == "darwin" or not blas:
            return self.mlx_link()
        fast = ["-Wl,--push-state,--no-as-needed", f"-l:{blas}"]
        return [*fast, "-Wl,--pop-state", *self.mlx_link()]

    def mlx_link(self):
        suffix = "dylib" if self.system == "darwin" else "so"
        folder = mlx_folder() / "lib"
        return [str(folder / f"libmlx.{suffix}"), f"-Wl,-rpath,{folder}"]


def find_compiler():
    """Raises CppError with the line to run if there is none."""
    chosen = os.environ.get("MLX_TUTORIAL_CXX")
    if chosen:
        path = shutil.which(chosen)
        if not path:
            raise CppError(
                "[%%cpp] expected a compiler in MLX_TUTORIAL_CXX but received "
                f"'{chosen}', which is not there; unset it, or correct it."
            )
    elif sys.platform == "darwin":
        path = output_of(["xcrun", "-f", "clang++"])
    else:
        found = (shutil.which(n) for n in ("g++", "clang++", "c++"))
        path = next(filter(None, found), None)
    version = path and output_of([path, "--version"])
    if not version:
        line = INSTALL.get(sys.platform, INSTALL["linux"])
        raise CppError(
            "[%%cpp] expected a C++ compiler but found none; run this in a "
            f"terminal, then run the cell again: {line}"
        )
    sdk = ""
    if sys.platform == "darwin":
        sdk = output_of(["xcrun", "--show-sdk-path"])
    return Compiler(path, version.splitlines()[0], sdk)


def output_of(command):
    """What it prints; "" if it is not there or fails."""
    with contextlib.suppress(OSError):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout.strip()
    return ""


@functools.cache
def folder_of(package):
    """Where a package is installed, without importing it."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise CppError(
            f"[%%cpp] expected the Python package {package} but found none; "
            f"run: pip install {requirement(package)}"
        )
    return pathlib.Path(next(iter(found.submodule_search_locations)))


def mlx_folder():
    return folder_of("mlx")


def nanobind_folders():
    """Headers, those of its hash table, sources."""
    folder = folder_of("nanobind")
    table = folder / "ext" / "robin_map" / "include"
    return [folder / "include", table, folder / "src"]


def requirement(package, system=sys.platform):
    extra = "[cpu]" if package == "mlx" and system != "darwin" else ""
    return f"'{package}{extra}=={PAIR[package]}'"
