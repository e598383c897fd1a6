# SPDX-License-Identifier: MIT
"""How long a reader waits for a C++ cell of a notebook, in a real kernel: the
first cell of all with an empty cache (%load_ext included), an edited cell, a
cell with an error, and a cell that another kernel has compiled. From sending
the cell to its last answer, as a page of Jupyter would see it.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from jupyter_client.manager import start_new_kernel
from support.record import ROOT, Measurement

COMPILERS = {"g++": ["g++"], "clang": ["clang++-19", "clang++"]}
# Case -> seconds at most, by compiler.
LIMITS = {
    "first": {"g++": 15, "clang": 15},
    "edited": {"g++": 2.5, "clang": 1.2},
    "error": {"g++": 1.0, "clang": 1.0},
    "cached": {"g++": 0.020, "clang": 0.020},
}
LOAD = "%load_ext mlx_llm_tutorial.cpp"
CELL = """\
%%%%cpp attention train
mx::array attention(const mx::array& q, const mx::array& k, const mx::array& v) {
  const mx::array scale = mx::array(1.0f / std::sqrt(float(q.shape(-1))));
  const mx::array scores = mx::matmul(q, mx::swapaxes(k, -1, -2));
  return mx::matmul(mx::softmax(mx::multiply(scores, scale), -1), v);
}

float train(mx::array w, const mx::array& x, const mx::array& y, int steps) {
  auto loss = [&](const std::vector<mx::array>& p) {
    return mx::mean(mx::square(mx::subtract(mx::matmul(x, p[0]), y)));
  };
  auto step = mx::value_and_grad(
      [&](const std::vector<mx::array>& p) { return loss(p); });
  float last = 0;
  for (int i = 0; i < steps; ++i) {
    auto [value, gradients] = step(std::vector<mx::array>{w});
    w = mx::subtract(w, mx::multiply(mx::array(%s), gradients[0]));
    mx::eval(w);
    last = value.item<float>();
  }
  return last;
}
"""


class Kernel:
    def __init__(self, home, compiler):
        env = {
            **os.environ,
            "PYTHONPATH": str(ROOT / "python"),
            "MLX_TUTORIAL_HOME": str(home),
            "MLX_TUTORIAL_CXX": compiler,
        }
        self.manager, self.client = start_new_kernel(
            kernel_name="python3", env=env
        )
        self.seconds("import mlx.core")  # the first message is slow

    def seconds(self, code, fails=False):
        """From sending a cell until the kernel is idle again."""
        start = time.perf_counter()
        reply = self.client.execute_interactive(
            code, timeout=120, output_hook=lambda message: None
        )
        seconds = time.perf_counter() - start
        if (reply["content"]["status"] == "error") != fails:
            sys.exit(f"a cell did what it should not: {reply['content']}")
        return seconds

    def stop(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def one_round(compiler):
    home = pathlib.Path(tempfile.mkdtemp())
    try:
        kernel = Kernel(home, compiler)
        loading = kernel.seconds(LOAD)
        figures = {"load": loading}
        figures["first"] = loading + kernel.seconds(CELL % "0.1f")
        figures["edited"] = kernel.seconds(CELL % "0.2f")
        wrong = CELL.replace("subtract(w", "subtrakt(w") % "0.3f"
        figures["error"] = kernel.seconds(wrong, fails=True)
        kernel.stop()
        kernel = Kernel(home, compiler)
        figures["load_again"] = kernel.seconds(LOAD)
        figures["cached"] = kernel.seconds(CELL % "0.2f")
        kernel.stop()
        return figures
    finally:
        shutil.rmtree(home, ignore_errors=True)


def compilers():
    """{name: path} of those that are here."""
    found = {
        name: next(filter(None, map(shutil.which, names)), None)
        for name, names in COMPILERS.items()
    }
    return {name: path for name, path in found.items() if path}


def version(path):
    done = subprocess.run(
        [path, "-dumpversion"], capture_output=True, text=True
    )
    return done.stdout.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    found = compilers()
    versions = {name: version(path) for name, path in found.items()}
    measurement = Measurement("cells", 0, **versions)
    rounds = {name: [] for name in found}
    for number in range(args.rounds):
        for name, path in found.items():
            figures = one_round(path)
            rounds[name].append(figures)
            text = ", ".join(f"{k} {v:.3f} s" for k, v in figures.items())
            print(f"round {number + 1}: {name}: {text}", flush=True)
    medians = {
        name: {
            case: statistics.median(figures[case] for figures in runs)
            for case in runs[0]
        }
        for name, runs in rounds.items()
    }
    holds = {
        f"{case} cell with {name}: at most {limit:g} s": (
            medians[name][case] <= limit
        )
        for case, limits in LIMITS.items()
        for name, limit in limits.items()
        if name in medians
    }
    return measurement.save({"rounds": rounds, "medians": medians}, holds)


if __name__ == "__main__":
    sys.exit(main())
