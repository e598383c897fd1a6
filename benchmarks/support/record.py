# SPDX-License-Identifier: MIT
"""What every benchmark shares: where the programs are, and a result file that
says with what it was measured. Result files hold no paths of the machine.
"""

import datetime
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
from importlib import metadata

ROOT = pathlib.Path(__file__).resolve().parents[2]


def program(name="simple_llm"):
    folder = os.environ.get("LLM_PROGRAMS", ROOT / "build" / "release" / "bin")
    path = pathlib.Path(folder) / name
    if not path.is_file():
        sys.exit(
            f"{name} is not built: run ./tutorial test, or set LLM_PROGRAMS"
        )
    return str(path)


def results():
    folder = os.environ.get(
        "BENCHMARK_RESULTS", ROOT / "benchmarks" / "results"
    )
    return pathlib.Path(folder)


def cpu():
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
        return re.search(r"^model name\s*:\s*(.*)$", text, re.M).group(1)
    except (OSError, AttributeError):
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        done = subprocess.run(command, capture_output=True, text=True)
        return done.stdout.strip() or platform.processor()


def cores():
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def backend():
    """The BLAS and the CPU kernels that the C++ programs use here."""
    done = subprocess.run([program("doctor")], capture_output=True, text=True)
    if done.returncode != 0:
        return {}
    facts = json.loads(done.stdout)
    return {key: facts[key] for key in ("device", "blas", "kernels")}


def gpu():
    """Name and driver of the NVIDIA GPU, or None."""
    command = ["nvidia-smi", "--query-gpu=name,driver_version"]
    try:
        done = subprocess.run(
            [*command, "--format=csv,noheader"], capture_output=True, text=True
        )
    except OSError:
        return None
    if done.returncode != 0 or not done.stdout.strip():
        return None
    name, driver = done.stdout.splitlines()[0].rsplit(", ", 1)
    return {"name": name, "driver": driver}


def need_gpu():
    """Ends the program in one line where there is none that the C++ programs
    use."""
    if gpu() is None:
        sys.exit(
            "no GPU: expected an NVIDIA GPU (nvidia-smi) but none answers; "
            "this benchmark runs where there is one"
        )
    if backend().get("device") != "gpu":
        sys.exit(
            "no GPU: the programs are built for the CPU; run "
            "./tutorial start --device cuda first"
        )


def version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def run_simple_llm(args, **options):
    """Runs it to its end; standard error is shown as it comes."""
    command = [program(), *map(str, args)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"simple_llm {args[0]} ended with {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])


def metrics(folder):
    """(first line, the other lines) of a run's metrics.jsonl."""
    text = (pathlib.Path(folder) / "metrics.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    return lines[0], lines[1:]


class Measurement:
    """Made before the measuring begins; save() writes <name>.json."""

    def __init__(self, name, threads, **versions):
        self.name = name
        self.about = {
            "benchmark": name,
            "command": " ".join(
                [
                    "python",
                    f"benchmarks/{name}.py",
                    *without_paths(sys.argv[1:]),
                ]
            ),
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(
                "T", "minutes"
            ),
            "cpu": cpu(),
            "cores": cores(),
            "threads": threads or "all",
            "backend": backend(),
            "system": f"{platform.system()} {platform.machine()}",
            "versions": {
                "python": platform.python_version(),
                "mlx": version("mlx"),
                **versions,
            },
            **({"gpu": gpu()} if gpu() else {}),
            "load_before": round(os.getloadavg()[0], 2),
        }

    def save(self, result, holds):
        """`holds` names each claim and says whether it was met. Returns the exit
        status: 0 if all are."""
        about = {**self.about, "load_after": round(os.getloadavg()[0], 2)}
        document = {**about, "holds": holds, "result": result}
        refuse_paths(document)
        results().mkdir(parents=True, exist_ok=True)
        path = results() / f"{self.name}.json"
        new = path.with_suffix(".new")
        new.write_text(json.dumps(document, indent=2) + "\n")
        new.replace(path)
        if path.parent == ROOT / "benchmarks" / "results":
            report = str(ROOT / "benchmarks" / "report.py")
            subprocess.run([sys.executable, report], check=True)
        for claim, met in holds.items():
            print(f"{'holds' if met else 'DOES NOT HOLD'}: {claim}")
        return 0 if all(holds.values()) else 1


def without_paths(arguments):
    """A path after --model becomes MODEL: where it lies is nobody's business."""
    out = []
    for argument in arguments:
        option, is_joined, value = argument.partition("=")
        if is_joined and "/" in value:
            argument = f"{option}={option.lstrip('-').upper()}"
        elif "/" in argument:
            named = out and out[-1].startswith("--") and "=" not in out[-1]
            argument = out[-1][2:].upper() if named else "PATH"
        out.append(argument)
    return out


def refuse_paths(value):
    """A path of the machine says nothing to anyone else."""
    if isinstance(value, dict):
        for item in value.values():
            refuse_paths(item)
    elif isinstance(value, list):
        for item in value:
            refuse_paths(item)
    elif isinstance(value, str) and re.search(r"(^|[\s=:\"'])(/\w|~/)", value):
        raise ValueError(f"a path of this machine in a result: {value!r}")
