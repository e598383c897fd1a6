# SPDX-License-Identifier: MIT
"""MLX LLM Tutorial from Python."""
