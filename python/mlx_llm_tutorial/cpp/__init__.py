# SPDX-License-Identifier: MIT
"""C++ cells in a notebook:

    %load_ext mlx_llm_tutorial.cpp

    %%cpp square
    mx::array square(const mx::array& x) {
      return x * x;
    }

and square(mx.array([1.0, 2.0])) is a call from Python. `%%cpp?` lists the
options; `%%c++` is the same magic.
"""

import sys

from .errors import CppError

__all__ = ["CppError", "seed", "load_ipython_extension"]


def seed(n):
    """Starts the random numbers of MLX anew, in Python and in C++. The two have
    generators of their own: the same seed gives each side the same numbers in
    each run, not one side those of the other.

    n: a whole number from 0 to 2**64 - 1. Raises CppError before %load_ext.
    """
    import mlx.core as mx

    from .toolchain import RUNTIME

    if not isinstance(n, int) or not 0 <= n < 2**64:
        raise ValueError(
            f"[seed] expected a whole number from 0 to 2**64 - 1 but received "
            f"{n!r}."
        )
    if RUNTIME not in sys.modules:
        raise CppError("[seed] run %load_ext mlx_llm_tutorial.cpp first.")
    mx.random.seed(n)
    sys.modules[RUNTIME].seed(n)


def load_ipython_extension(shell):
    """Registers the magic, then compiles what is compiled once. Without a
    compiler the magic is there all the same, and tries again."""
    from .magic import USAGE, Cells

    cells = Cells(shell)

    def cpp(line, cell):
        return cells.cell(line, cell)

    cpp.__doc__ = USAGE
    for name in ("cpp", "c++"):
        shell.register_magic_function(cpp, "cell", name)
    shell.user_ns["seed"] = seed
    cells.prepare()
