# SPDX-License-Identifier: MIT
"""Checkers of the exercises, one module a notebook."""
