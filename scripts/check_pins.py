# SPDX-License-Identifier: MIT
"""Do requirements.txt, environment.yml and CMake name the same versions?

    check_pins.py                       compares the files; a line a difference
    check_pins.py --installed [FILE]    compares FILE with what this Python has

Standard library only: it runs before anything is installed.
"""
import importlib.metadata
import pathlib
import platform
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINE = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)(\[(?P<extra>[a-z0-9,]+)\])?"
    r"==(?P<version>[0-9][A-Za-z0-9.]*)"
    r"(\s*;\s*sys_platform\s*==\s*\"(?P<system>\w+)\")?$"
)


# What brings MLX's backend: the package that an extra asks for.
BACKENDS = {"cpu": "mlx-cpu", "cuda13": "mlx-cuda-13"}


def requirements(path):
    """Returns [(name, extra, version, system)] and [problem] of a file."""
    pins, problems = [], []
    for number, text in enumerate(path.read_text().splitlines(), 1):
        text = text.split("#")[0].strip()
        if not text:
            continue
        match = LINE.match(text)
        if match is None:
            problems.append(
                f"{path.name}:{number}: expected NAME==VERSION but received "
                f"'{text}'; pin it exactly."
            )
            continue
        pins.append(
            (match["name"], match["extra"], match["version"], match["system"])
        )
    return pins, problems


def minimum(text, name, where):
    """The version after NAME>= or NAME= in a text, or None."""
    found = re.search(rf"^\s*-\s*{name}\s*(>=|=)\s*([0-9.]+)", text, re.M)
    return found[2] if found else None


def compare(root=ROOT):
    """Returns one line for each disagreement between the files."""
    pins, problems = requirements(root / "requirements.txt")
    versions = {}
    for name, _, version, _ in pins:
        versions.setdefault(name, set()).add(version)
    for name, found in versions.items():
        if len(found) > 1:
            problems.append(
                f"requirements.txt: {name} is pinned to {sorted(found)}; "
                "choose one."
            )
    mlx = sorted(versions.get("mlx", ["none"]))[0]
    problems += compare_systems(pins)
    problems += compare_cuda(root, pins)
    problems += compare_cmake(root, mlx)
    problems += compare_conda(root, versions)
    problems += compare_package(root, versions)
    return problems


def compare_systems(pins):
    """MLX needs its CPU backend on Linux and must not ask for it on a Mac."""
    found = {(pin[3], pin[1]) for pin in pins if pin[0] == "mlx"}
    wanted = {("linux", "cpu"), ("darwin", None)}
    if found == wanted:
        return []
    return [
        "requirements.txt: expected mlx[cpu] for linux and mlx for darwin but "
        f"received {sorted(found, key=str)}."
    ]


def compare_cuda(root, pins):
    """requirements-cuda.txt: the same with MLX's CUDA backend, on Linux."""
    found, problems = requirements(root / "requirements-cuda.txt")
    mlx = {version for name, _, version, _ in pins if name == "mlx"}
    wanted = {pin for pin in pins if pin[0] != "mlx"}
    wanted |= {("mlx", "cuda13", version, "linux") for version in mlx}
    for name, _, version, _ in sorted(wanted ^ set(found), key=str):
        problems.append(
            f"requirements-cuda.txt: {name} {version} is not as in "
            "requirements.txt; MLX there is mlx[cuda13] for linux, all else "
            "equal."
        )
    return problems


def compare_cmake(root, mlx):
    problems = []
    lists = (root / "CMakeLists.txt").read_text()
    found = re.search(r"LLM_MLX_VERSION\s+\"?([0-9.]+)", lists)
    if found is None or found[1] != mlx:
        problems.append(
            f"CMakeLists.txt: expected LLM_MLX_VERSION {mlx}, as "
            f"requirements.txt, but found {found[1] if found else 'none'}."
        )
    conda = (root / "environment.yml").read_text()
    wanted = re.search(r"cmake_minimum_required\(VERSION ([0-9.]+)", lists)
    offered = minimum(conda, "cmake", "environment.yml")
    if wanted and (not offered or as_numbers(offered) < as_numbers(wanted[1])):
        problems.append(
            f"environment.yml: expected cmake>={wanted[1]}, as CMakeLists.txt, "
            f"but found {offered}."
        )
    return problems


def compare_conda(root, versions):
    """pip's packages come from requirements.txt alone, not from two places."""
    problems = []
    conda = (root / "environment.yml").read_text()
    if "-r requirements.txt" not in conda:
        problems.append("environment.yml: expected '-r requirements.txt'.")
    if not re.search(r"^\s*-\s*nodefaults\s*$", conda, re.M):
        problems.append("environment.yml: expected the channel nodefaults.")
    for line in re.findall(r"^\s*-\s*([A-Za-z0-9_-]+)", conda, re.M):
        if line.lower() in {name.lower() for name in versions}:
            problems.append(
                f"environment.yml: {line} is pinned in requirements.txt; "
                "leave it out."
            )
    python = minimum(conda, "python", "environment.yml")
    if python is None or as_numbers(python) < (3, 11):
        problems.append(
            f"environment.yml: expected python=3.11 or later, found {python}."
        )
    return problems


def compare_package(root, versions):
    """What pip builds and installs the package with is what is tested."""
    text = (root / "pyproject.toml").read_text()
    return [
        f"pyproject.toml: expected {name}=={sorted(versions[name])[0]}, as "
        f"requirements.txt, but found {version}."
        for name, version in re.findall(
            r"\"([A-Za-z0-9._-]+)(?:\[[a-z]+\])?==([0-9.]+)", text
        )
        if version not in versions.get(name, {version})
    ]


def as_numbers(version):
    return tuple(int(part) for part in re.findall(r"\d+", version))


def installed(path):
    """Returns one line for each pinned package that this Python lacks."""
    system = {"Darwin": "darwin", "Linux": "linux"}.get(platform.system())
    pins, problems = requirements(path)
    for name, extra, version, wanted in pins:
        if wanted not in (None, system):
            continue
        names = [name]
        if name == "mlx" and extra in BACKENDS:
            names.append(BACKENDS[extra])
        for package in names:
            try:
                found = importlib.metadata.version(package)
            except importlib.metadata.PackageNotFoundError:
                found = "none"
            if found != version:
                problems.append(f"{package} {version} (found {found})")
    return problems


def main(arguments):
    if arguments[:1] == ["--installed"]:
        name = arguments[1] if len(arguments) > 1 else ROOT / "requirements.txt"
        problems = installed(pathlib.Path(name))
    elif not arguments:
        problems = compare()
    else:
        print(__doc__, file=sys.stderr)
        return 2
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
