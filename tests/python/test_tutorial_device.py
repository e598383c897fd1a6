# SPDX-License-Identifier: MIT
"""./tutorial start --device: an NVIDIA GPU is chosen where nvidia-smi answers,
beside the CPU's environment and build, and remembered. Stand-ins play
nvidia-smi (see sandbox.py) and the driver's library."""
import json
import subprocess
import sys

import pytest
from sandbox import Sandbox

START = ["start", "--yes", "--no-browser"]
H100 = "NVIDIA H100 80GB HBM3, 580.159.04, 81559 MiB"


@pytest.fixture(scope="session")
def driver_library(tmp_path_factory):
    """A folder with a libcuda.so.1 that the loader takes."""
    folder = tmp_path_factory.mktemp("driver")
    subprocess.run(
        ["c++", "-shared", "-o", folder / "libcuda.so.1", "-xc++", "/dev/null"],
        check=True,
    )
    return folder


@pytest.fixture
def box(tmp_path, driver_library):
    box = Sandbox(tmp_path)
    box.env["LD_LIBRARY_PATH"] = str(driver_library)
    del box.env["MLX_TUTORIAL_PYTHON"]
    for venv in ("venv", "venv-cuda"):
        box.fake_python(box.home / "cache" / venv / "bin/python")
    return box


def nvidia(box, says=H100, status=0):
    box.stand_in("nvidia-smi", f"echo '{says}'\nexit {status}\n")


def last(done):
    return done.stderr.splitlines()[-1]


def checks(box, **env):
    said = json.loads(box.run("doctor", "--json", **env).stdout)
    return {c["name"]: c for c in said["checks"]}


def test_a_gpu_is_chosen_and_remembered(box):
    nvidia(box)
    done = box.run(*START, "--device", "cuda")
    assert done.returncode == 0, done.stderr
    assert "NVIDIA H100 80GB HBM3 (driver 580.159.04)" in done.stderr
    assert "2.4 GB to download" in done.stderr  # said before it begins
    pip = [c for c in box.calls("python") if "pip install" in c]
    assert pip[-1].endswith("requirements-cuda.txt")
    assert (box.clone / "build/cuda/bin/simple_llm").is_file()
    assert not (box.clone / "build/release").exists()
    train = [
        c for c in box.calls("simple_llm") if "'train'" in c or "train" in c
    ]
    assert "--device" in train[0] and "cuda" in train[0]
    # A later command goes on with it, without a question.
    done = box.run("run", "simple_llm", "sample")
    assert done.returncode == 0, done.stderr
    assert not (box.clone / "build/release").exists()


def test_the_cpu_stays_and_comes_back(box):
    nvidia(box)
    assert box.run(*START, "--device", "cpu").returncode == 0
    assert box.run(*START, "--device", "cuda").returncode == 0
    before = (box.home / "cache/stamps/python").read_text()
    assert box.run(*START, "--device", "cpu").returncode == 0
    assert (box.home / "cache/stamps/python").read_text() == before
    assert not (box.home / "cache/device").exists()
    for folder in ("release", "cuda"):
        assert (box.clone / "build" / folder / "bin/simple_llm").is_file()


def test_one_command_for_the_other_device(box):
    nvidia(box)
    assert box.run(*START, "--device", "cuda").returncode == 0
    done = box.run(
        "run", "--yes", "simple_llm", "sample", MLX_TUTORIAL_DEVICE="cpu"
    )
    assert done.returncode == 0, done.stderr
    assert (box.clone / "build/release/bin/simple_llm").is_file()
    assert (box.home / "cache/device").read_text() == "cuda\n"
    done = box.run("run", "simple_llm", "x", MLX_TUTORIAL_DEVICE="tpu")
    assert done.returncode == 2 and "tpu" in last(done)


@pytest.mark.parametrize(
    "says, status, words",
    [
        (None, 0, ["no nvidia-smi", "--device cuda"]),
        ("NVIDIA-SMI has failed", 9, ["NVIDIA-SMI has failed"]),
        ("Tesla T4, 550.54.15, 15360 MiB", 0, ["580", "550.54.15"]),
    ],
)
@pytest.mark.parametrize("name", ["cuda", "gpu"])
def test_no_gpu_or_an_old_driver_is_one_line(box, says, status, words, name):
    if says is not None:
        nvidia(box, says, status)
    else:  # whatever this machine has
        box.env["PATH"] = str(box.bin) + ":/bin"
        if (box.bin / "nvidia-smi").exists():
            (box.bin / "nvidia-smi").unlink()
    done = box.run(*START, "--device", name)
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert all(word in last(done) for word in ["[gpu]", *words])
    assert not (box.home / "cache/device").exists()


@pytest.fixture
def no_library(tmp_path):
    """What hides libcuda.so.1, also on a machine that has one."""
    if sys.platform != "linux":
        pytest.skip("only Linux's loader is asked for it")
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden/libcuda.so.1").write_text("not a library\n")
    return {"LD_LIBRARY_PATH": str(tmp_path / "hidden")}


def test_half_a_driver_is_one_line_before_the_download(box, no_library):
    nvidia(box)
    done = box.run(*START, "--device", "cuda", **no_library)
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "[gpu]" in last(done) and "libcuda.so.1" in last(done)
    assert not [c for c in box.calls("python") if "pip install" in c]
    assert not (box.home / "cache/device").exists()


def test_a_driver_that_went_is_one_line_for_each_command(box, no_library):
    nvidia(box)
    assert box.run(*START, "--device", "cuda").returncode == 0
    for command in (["run", "simple_llm", "sample"], ["train"], ["web"]):
        done = box.run(*command, **no_library)
        assert done.returncode == 3, command
        assert "libcuda.so.1" in last(done), command
        assert len(done.stderr.splitlines()) == 1, done.stderr
    # The way back that it names works.
    done = box.run(*START, "--device", "cpu", **no_library)
    assert done.returncode == 0, done.stderr


def test_another_device_is_a_usage_error(box):
    done = box.run(*START, "--device", "tpu")
    assert done.returncode == 2
    assert "tpu" in last(done) and "cpu, gpu or cuda" in last(done)


def test_doctor_names_gpu_driver_and_what_is_used(box):
    nvidia(box)
    found = checks(box)
    assert found["gpu"]["state"] == "ok"
    assert found["gpu"]["found"] == (
        "NVIDIA H100 80GB HBM3, 81559 MiB, driver 580.159.04"
    )
    assert found["device"]["fix"] == "./tutorial start --device cuda"
    assert box.run(*START, "--device", "cuda").returncode == 0
    found = checks(box)
    assert found["device"]["state"] == "ok"
    assert "venv-cuda" in found["python"]["found"]
    assert found["python packages"]["found"] == "as requirements-cuda.txt says"


def test_doctor_says_what_is_missing(box):
    nvidia(box, "Tesla T4, 550.54.15, 15360 MiB")
    found = checks(box)["gpu"]
    assert found["state"] == "info" and "580" in found["found"]
    # Who chose the GPU cannot go on without it.
    found = checks(box, MLX_TUTORIAL_DEVICE="cuda")["gpu"]
    assert found["state"] == "missing" and "driver" in found["fix"]


def test_doctor_says_that_the_library_is_missing(box, no_library):
    nvidia(box)
    assert box.run(*START, "--device", "cuda").returncode == 0
    found = checks(box, **no_library)
    assert found["gpu"]["state"] == "missing"
    assert "libcuda.so.1" in found["gpu"]["found"]
    assert "--gpus all" in found["gpu"]["fix"]
    assert found["programs"]["state"] == "info"  # nothing wrong with them


def test_a_mac_has_its_gpu_already(tmp_path):
    mac = Sandbox(tmp_path, mac=True)
    done = mac.run(*START, "--device", "cuda")
    assert done.returncode == 3 and "this is a Mac" in last(done)
