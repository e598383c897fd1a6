# SPDX-License-Identifier: MIT
"""The library llm/ in Python, on the same arrays as mlx.core.

    import mlx_llm_tutorial as llm

    usable = llm.load_for_use("smollm2")
    for token in llm.Generator(usable.model, usable.tokenizer, "Once"):
        print(token.text, end="")

Names are those of the C++ library; functions that models are made of are in
`nn`, what looks inside a model is in `inspect`. In Python alone: `plots` (figures)
and `cpp` (C++ cells: %load_ext mlx_llm_tutorial.cpp).
"""

import ctypes
import importlib.util
import pathlib
import sys
import warnings


def _load_blas():
    """MLX's Linux wheel brings the reference BLAS. OpenBLAS answers in its
    place when it is loaded before MLX, and for all (RTLD_GLOBAL). Returns
    whether it comes too late."""
    if sys.platform != "linux":
        return False
    maps = pathlib.Path("/proc/self/maps").read_text()
    is_there = "/libopenblas" in maps  # NumPy's own is libscipy_openblas
    try:
        ctypes.CDLL("libopenblas.so.0", mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return False  # llm.blas_name() tells
    return "mlx.core" in sys.modules and not is_there


_blas_is_late = _load_blas()


def _load_core():
    """The compiled module. Late, so that plots and cells work without it."""
    if _blas_is_late:
        warnings.warn(
            "[mlx_llm_tutorial] expected to be imported before mlx.core, which "
            "now multiplies with its own slow BLAS; import mlx_llm_tutorial "
            "first.",
            stacklevel=3,
        )
    try:
        core = importlib.import_module("._core", __name__)
    except ModuleNotFoundError as error:
        raise ImportError(
            "[mlx_llm_tutorial] expected the compiled library but it is not "
            "built; run: ./tutorial notebook --build"
        ) from error
    core.start_mlx()
    return core


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    part = f"{__name__}.{name}"
    if importlib.util.find_spec(part) is not None:  # from ... import plots
        return importlib.import_module(part)
    core = _load_core()
    names = {k: v for k, v in vars(core).items() if not k.startswith("_")}
    globals().update(names)  # from now on without this function
    if name in names:
        return names[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    if "generate" not in globals():
        __getattr__("generate")
    return sorted(globals())
