# SPDX-License-Identifier: MIT
"""The kernel of the course's notebooks: IPython's, with OpenBLAS in place before
a cell can import MLX.

    python -m mlx_llm_tutorial.kernel -f FILE          runs it (Jupyter does)
    python -m mlx_llm_tutorial.kernel --write FOLDER   writes its kernel.json
"""

import json
import os
import pathlib
import sys

NAME = "mlx-llm-tutorial"
# What a kernel needs to know of the place where it was made.
KEPT = ("PYTHONPATH", "MLX_TUTORIAL_HOME", "LLM_PROGRAMS")


def write(folder):
    """kernel.json for the Python that runs this, in folder/kernels/NAME."""
    folder = pathlib.Path(folder) / "kernels" / NAME
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "mlx_llm_tutorial.kernel"]
    env = {n: absolute(os.environ[n]) for n in KEPT if n in os.environ}
    spec = {
        "argv": [*command, "-f", "{connection_file}"],
        "display_name": "MLX LLM Tutorial (Python and C++)",
        "language": "python",
        "env": {**env, "PYTHON": sys.executable},
    }
    part = folder / f"kernel.json.{os.getpid()}"
    part.write_text(json.dumps(spec, indent=1))
    part.replace(folder / "kernel.json")


def absolute(paths):
    """A notebook runs in its own folder."""
    parts = paths.split(os.pathsep)
    return os.pathsep.join(os.path.abspath(p) for p in parts if p)


def main():
    if sys.argv[1:2] == ["--write"]:
        return write(sys.argv[2])
    from ipykernel.kernelapp import launch_new_instance

    return launch_new_instance()


if __name__ == "__main__":
    main()
