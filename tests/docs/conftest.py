# SPDX-License-Identifier: MIT
"""scripts/docs for the tests, and a small repository to try it on."""

import pathlib
import sys

import mlx_llm_tutorial  # noqa: F401  before MLX: it brings OpenBLAS
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "docs"))

from docs_repository import Repository  # noqa: E402


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path)
