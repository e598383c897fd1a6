# SPDX-License-Identifier: MIT
"""Runs of the notebooks for the tests, in a home folder of their own."""

import json
import os
import pathlib

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from mlx_llm_tutorial import kernel
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
    env["FAST"] = "1" if fast else "0"
    kernel.write(home / "jupyter")
    use_home(home / "jupyter" / "kernels" / kernel.NAME, home)
    specs = KernelSpecManager(kernel_dirs=[str(home / "jupyter" / "kernels")])
    manager = AsyncKernelManager(kernel_spec_manager=specs)
    manager.kernel_name = kernel.NAME
    notebook = read(path)
    client = NotebookClient(
        notebook,
        km=manager,
        timeout=600 if fast else 3600,
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute(env=env, cleanup_kc=True)
    return notebook


def use_home(folder, home):
    """A kernel keeps the home folder of whoever writes it: another, here."""
    path = folder / "kernel.json"
    spec = json.loads(path.read_text())
    spec["env"]["MLX_TUTORIAL_HOME"] = str(home)
    path.write_text(json.dumps(spec))


def printed(notebook):
    """All that the cells wrote."""
    return "".join(
        output.text
        for cell in code_cells(notebook)
        for output in cell.outputs
        if output.output_type == "stream"
    )
