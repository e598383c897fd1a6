# SPDX-License-Identifier: MIT
"""Runs of the notebooks for the tests, in a home folder of their own."""

import os
import pathlib

import nbformat
from nbclient import NotebookClient

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "notebooks"


def names(folder):
    return sorted(path.stem for path in folder.glob("*.ipynb"))


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    return [c for c in notebook.cells if c.cell_type == "code"]


def run(path, home, fast=True):
    """The notebook with its outputs. An error ends it, unless the cell has the
    tag raises-exception."""
    env = {**os.environ, "MLX_TUTORIAL_HOME": str(home)}
    env |= {"FAST": "1" if fast else "0", "JUPYTER_PLATFORM_DIRS": "1"}
    notebook = read(path)
    client = NotebookClient(
        notebook,
        timeout=120 if fast else 3600,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute(env=env)
    return notebook


def printed(notebook):
    """All that the cells wrote."""
    return "".join(
        output.text
        for cell in code_cells(notebook)
        for output in cell.outputs
        if output.output_type == "stream"
    )
