# SPDX-License-Identifier: MIT
"""Runs the notebooks and writes them with their outputs, as .ipynb and .html.

    notebooks.py OUT [NAME...]      into the folder OUT; all, or those named

What is there and newer than its source and the built package is kept. FAST=1
shortens the runs. Exit 1 when a notebook stops with an error.
"""

import os
import pathlib
import sys
import time

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbconvert import HTMLExporter

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "notebooks"


def newest(folder, *patterns):
    files = [p for pattern in patterns for p in folder.rglob(pattern)]
    return max((p.stat().st_mtime for p in files), default=0)


def is_new(target, source):
    """Whether `target` was made from what is there now."""
    if not target.is_file():
        return False
    package = ROOT / "build/release/python/mlx_llm_tutorial"
    made = target.stat().st_mtime
    latest = newest(package, "*.py", "*.hpp", "*.cpp", "*.so", "*.dylib")
    return made > max(source.stat().st_mtime, latest)


def write(path, text):
    """Whole or not at all."""
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(text)
    part.replace(path)


def run(source, out):
    """Executes one notebook; what it got to is written also when it stops."""
    notebook = nbformat.read(source, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=3600,
        kernel_name="mlx-llm-tutorial",
        coalesce_streams=True,  # of a progress bar its last state
        # The kernel warns of its connection, which does not leave the machine.
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        resources={"metadata": {"path": str(source.parent)}},
    )
    try:
        client.execute()
    finally:
        write(out.with_suffix(".failed.ipynb"), nbformat.writes(notebook))
    out.with_suffix(".failed.ipynb").replace(out)
    html, _ = HTMLExporter().from_notebook_node(notebook)
    write(out.with_suffix(".html"), html)


def main():
    if len(sys.argv) < 2:
        sys.exit("notebooks.py OUT [NAME...]")
    out, names = pathlib.Path(sys.argv[1]), sys.argv[2:]
    out.mkdir(parents=True, exist_ok=True)
    failed = []
    sources = sorted(FOLDER.glob("*.ipynb"))
    sources = [s for s in sources if not names or s.stem in names]
    for source in sources:
        target = out / source.name
        if is_new(target.with_suffix(".html"), source):
            print(f"{source.stem}: as it is", flush=True)
            continue
        begin = time.monotonic()
        print(f"{source.stem}: running ...", flush=True)
        try:
            run(source, target)
        except (CellExecutionError, DeadKernelError) as error:
            failed.append(source.stem)
            print(f"{source.stem}: {str(error).strip().splitlines()[-1]}")
            continue
        seconds = time.monotonic() - begin
        print(
            f"{source.stem}: {seconds:.0f} s -> {target.with_suffix('.html')}"
        )
    if failed:
        sys.exit(
            f"[docs] these notebooks stop with an error: {', '.join(failed)}"
        )


if __name__ == "__main__":
    main()
