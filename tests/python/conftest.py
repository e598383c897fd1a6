# SPDX-License-Identifier: MIT
"""Before any test can import MLX: the package brings OpenBLAS (see there)."""

import mlx_llm_tutorial  # noqa: F401
