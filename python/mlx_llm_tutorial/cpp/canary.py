# SPDX-License-Identifier: MIT
"""Whether C++ and Python share mx.array, and what to install if they do not.

nanobind shares types between modules that were built with the same version of
its internals. MLX's module says in a text of its own which one it has.
"""

import pathlib
import re
from importlib import metadata

from .compiler import PAIR, mlx_folder, requirement
from .errors import CppError

# The first release of nanobind with each version of its internals.
RELEASES = {17: "2.10.2", 19: "2.12.0", 20: "2.13.0", 21: "2.15.0", 22: "3.1.0"}
# nanobind_system_libstdcpp_..._a1_v22 (3.x), v21_system_libstdcpp_... (2.x).
TAG = re.compile(rb"nanobind_\w+_v(\d+)\b|\bv(\d+)_system_lib\w+")


def ask_canary(runtime):
    """An array goes to C++ and back. Raises CppError with the line to run."""
    import mlx.core as mx

    x = mx.array([1.0, 2.0])
    try:
        same = runtime.identity(x)
    except TypeError as error:
        reason = "C++ and Python do not share mx.array"
        raise wrong_pair(reason, str(error)) from None
    if same.tolist() != x.tolist():
        raise wrong_pair("an array changes on its way to C++", "")


def version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "?"


def wrong_pair(reason, said):
    """A CppError that says what to install."""
    wanted = RELEASES.get(mlx_tag())
    if version("mlx") == PAIR["mlx"] or wanted is None:
        wrong = [name for name in PAIR if version(name) != PAIR[name]]
        packages = [requirement(name) for name in wrong or PAIR]
    else:
        packages = [f"'nanobind=={wanted}'"]
    return CppError(
        f"[%%cpp] expected MLX and nanobind that fit together but received MLX "
        f"{version('mlx')} and nanobind {version('nanobind')}: {reason}; run "
        f"this, then restart the kernel: pip install {' '.join(packages)}",
        said,
    )


def mlx_tag(folder=None):
    """The version of nanobind's internals in MLX's module; None if unknown."""
    folder = folder or mlx_folder()
    for path in sorted(pathlib.Path(folder).glob("core*.so")):
        found = TAG.search(path.read_bytes())
        if found:
            return int(found[1] or found[2])
    return None
