# SPDX-License-Identifier: MIT
"""Which MLX and which BLAS run, measured from Python; prints one JSON object.

OpenBLAS is loaded before libmlx, as the C++ programs link it: libmlx's calls
then bind to it. The reference BLAS inside the Linux wheel gives about
6 GFLOP/s, OpenBLAS ten times that and more, so the speed tells which one runs.
"""
import ctypes
import ctypes.util
import json
import sys
import time


def load_openblas():
    """Returns what OpenBLAS says of itself, or None."""
    name = ctypes.util.find_library("openblas")
    if not sys.platform.startswith("linux") or name is None:
        return None
    library = ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
    library.openblas_get_config.restype = ctypes.c_char_p
    return library.openblas_get_config().decode().strip()


def sgemm_gflops(mx, size=1024, repeats=5):
    """Best of some products of two (size, size) float32 matrices."""
    a = mx.ones((size, size))
    b = mx.ones((size, size))
    mx.eval(a, b)
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        mx.eval(a @ b)
        best = min(best, time.perf_counter() - start)
    return 2.0 * size**3 / best / 1e9


def main():
    blas = load_openblas()
    import mlx.core as mx

    if blas is None:
        blas = "Accelerate" if sys.platform == "darwin" else "reference"
    print(
        json.dumps(
            {
                "source": "python",
                "mlx_found": mx.__version__,
                "device": mx.default_device().type.name,
                "metal": mx.metal.is_available(),
                "blas": blas,
                "sgemm_gflops": round(sgemm_gflops(mx), 1),
            }
        )
    )


if __name__ == "__main__":
    main()
