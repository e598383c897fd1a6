# SPDX-License-Identifier: MIT
"""./tutorial clean and doctor."""
import json
import os

import pytest
from sandbox import Sandbox


@pytest.fixture
def box(tmp_path):
    box = Sandbox(tmp_path)
    box.run("start", "--yes")
    (box.home / "data/corpus.txt").write_text("precious")
    return box


def test_clean_lists_and_removes_build_and_cache(box):
    done = box.run("clean")
    assert done.returncode == 0, done.stderr
    for gone in (box.clone / "build", box.home / "cache"):
        assert str(gone) in done.stdout and not gone.exists()
    assert (box.home / "models/tales-1").is_dir()
    assert (box.home / "data/corpus.txt").exists()
    assert "Nothing to remove" in box.run("clean").stdout


def test_clean_list_removes_nothing(box):
    assert "MB" in box.run("clean", "--all", "--list").stdout
    assert (box.clone / "build").exists() and (box.home / "cache").exists()


def test_clean_all_needs_a_yes(box):
    assert box.run("clean", "--all").returncode == 3
    status, shown = box.run_on_terminal("clean", "--all", answer="n\n")
    assert status == 3 and "models" in shown
    assert (box.home / "models/tales-1").is_dir()
    assert (box.clone / "build").exists()
    status, shown = box.run_on_terminal("clean", "--all", answer="y\n")
    assert status == 0, shown
    assert not (box.home / "models").exists()
    assert not (box.home / "data").exists()
    assert box.home.is_dir()


def test_clean_all_yes(box):
    assert box.run("clean", "--all", "--yes").returncode == 0
    assert not (box.home / "models").exists()


def test_clean_follows_no_link(box):
    elsewhere = box.folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").write_text("precious")
    (box.home / "data/link").symlink_to(elsewhere)
    (box.home / "cache/link").symlink_to(elsewhere)
    (box.home / "models").rename(box.folder / "big disk")
    (box.home / "models").symlink_to(box.folder / "big disk")
    done = box.run("clean", "--all", "--yes")
    assert done.returncode == 0 and "a link" in done.stdout
    assert not os.path.lexists(box.home / "models")
    assert (box.folder / "big disk/tales-1").is_dir()
    assert (elsewhere / "file").read_text() == "precious"


def test_clean_leaves_folders_that_are_not_ours(box):
    mine = box.folder / "projects"
    for name in ("cache", "models", "data"):
        (mine / name).mkdir(parents=True)
    done = box.run("clean", "--all", "--yes", "--home", str(mine))
    assert done.returncode == 0 and "left alone" in done.stderr
    assert (mine / "cache").is_dir() and (mine / "data").is_dir()


@pytest.mark.parametrize("home", ["/", "~", "../my user", "/usr/.."])
def test_clean_refuses_dangerous_homes(box, home):
    (box.user / ".mlx-tutorial-home").touch()
    (box.user / "data").mkdir()
    done = box.run("clean", "--all", "--yes", "--home", home, cwd=box.clone)
    assert done.returncode == 2
    assert (box.user / "data").is_dir() and (box.clone / "build").is_dir()


def test_doctor_when_all_is_there(box):
    for name in ("g++", "cmake", "ninja", "ccache", "clang++-19"):
        box.stand_in(name, "echo version 1\n")
    box.stand_in(
        "doctor",
        'echo "some words"; echo \'{"blas": "OpenBLAS", "gflops": 100}\'\n',
        box.clone / "build/release/bin",
    )
    done = box.run("doctor", "--json")
    answer = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0, answer
    assert answer["ok"] is True
    assert answer["mlx"] == {"blas": "OpenBLAS", "gflops": 100}
    assert answer["home"] == str(box.home)
    states = {c["name"]: c["state"] for c in answer["checks"]}
    assert states["python packages"] == states["system packages"] == "ok"
    text = box.run("doctor")
    assert text.returncode == 0 and "blas: OpenBLAS" in text.stdout


@pytest.mark.parametrize("there, state", [(True, "ok"), (False, "info")])
def test_doctor_looks_for_a_browser(box, there, state):
    box.only_browser("some-browser")
    if there:
        box.stand_in("some-browser", "echo Chromium 1.2\n")
    done = box.run("doctor", "--json")
    answer = json.loads(done.stdout.splitlines()[-1])
    (browser,) = (c for c in answer["checks"] if c["name"] == "browser")
    assert browser["state"] == state
    assert ("CHROMIUM" in browser["fix"]) != there


def test_doctor_names_what_is_missing_and_its_cure(box):
    box.use_venv()
    env = {"SANDBOX_MISSING": "ccache doctest-dev"}
    done = box.run("doctor", "--json", **env)
    answer = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 3 and answer["ok"] is False
    checks = {c["name"]: c for c in answer["checks"]}
    assert checks["system packages"]["fix"] == (
        "apt-get install -y --no-install-recommends ccache doctest-dev"
    )
    assert "mlx 0.32.4" in checks["python packages"]["found"]
    assert "pip install -r" in checks["python packages"]["fix"]
    text = box.run("doctor", **env)
    assert text.returncode == 3
    assert "install: apt-get install" in text.stdout
    assert not any("install" in c for c in box.calls("apt-get"))


def test_doctor_tells_what_only_the_tests_want(box):
    done = box.run("doctor", "--json", SANDBOX_MISSING="clang-19")
    answer = json.loads(done.stdout)
    checks = {c["name"]: c for c in answer["checks"]}
    assert done.returncode == 0 and answer["ok"] is True
    assert checks["for ./tutorial test"]["fix"].endswith(" clang-19")


def test_doctor_tells_whether_smollm2_is_here(box):
    def found():
        answer = box.run("doctor", "--json").stdout.splitlines()[-1]
        checks = {c["name"]: c for c in json.loads(answer)["checks"]}
        return checks["smollm2"]["state"], checks["smollm2"]["found"]

    assert found()[0] == "info" and found()[1].startswith("not fetched yet")
    folder = box.home / "models" / "smollm2"
    folder.mkdir(parents=True)
    (folder / "SmolLM2.gguf").write_bytes(bytes(3_000_000))
    assert found() == ("ok", f"3 MB in {folder}")


def test_doctor_when_the_programs_do_not_run(box):
    box.stand_in(
        "doctor",
        "echo built for 0.32.4, found 0.32.1 >&2; exit 3\n",
        box.clone / "build/release/bin",
    )
    done = box.run("doctor")
    assert done.returncode == 3
    assert "built for 0.32.4, found 0.32.1" in done.stdout


def test_doctor_changes_nothing(tmp_path):
    box = Sandbox(tmp_path)
    box.run("doctor")
    assert not box.home.exists() and not (box.clone / "build").exists()


def test_doctor_on_a_mac(tmp_path):
    mac = Sandbox(tmp_path, mac=True)
    env = {"SANDBOX_MACOS": "13.0", "SANDBOX_XCODE_STATUS": "1"}
    answer = json.loads(mac.run("doctor", "--json", **env).stdout)
    fixes = {c["name"]: c["fix"] for c in answer["checks"]}
    assert answer["platform"] == "macos"
    assert "macOS 14" in fixes["system"]
    assert fixes["compiler"] == "xcode-select --install"
    assert "miniconda3" in fixes["conda"]


def test_measured_from_python_here(tmp_path):
    """No stand-in: the BLAS that this machine's Python runs."""
    box = Sandbox(tmp_path)
    answer = json.loads(box.run("doctor", "--json").stdout.splitlines()[-1])
    assert answer["mlx"]["source"] == "python"
    assert answer["mlx"]["mlx_found"] == "0.32.4"
    assert answer["mlx"]["sgemm_gflops"] > 0
