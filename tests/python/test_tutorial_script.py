# SPDX-License-Identifier: MIT
"""./tutorial: start, run, train, and what they do to standard output, signals
and exit codes. The programs are stand-ins (see sandbox.py)."""
import os
import signal
import time

import pytest
from sandbox import Sandbox


@pytest.fixture
def box(tmp_path):
    return Sandbox(tmp_path)


def test_help_lists_the_commands(box):
    done = box.run()
    assert done.returncode == 0 and done.stderr == ""
    commands = "start web test run train bench doctor clean help"
    for command in commands.split():
        assert f"./tutorial {command}" in done.stdout
    assert box.run("help").stdout == done.stdout
    assert box.run("--help").stdout == done.stdout


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["bogus"], "'bogus'"),
        (["run"], "nothing"),
        (["run", "--bogus"], "'--bogus'"),
        (["run", "simple"], "other simple_llm web_server"),
        (["run", "../code/other.cpp"], "other simple_llm web_server"),
        (["start", "--bogus"], "'--bogus'"),
        (["start", "--steps"], "--steps"),
        (["test", "--mlx"], "--mlx"),
        (["test", "--mlx", "new"], "'new'"),
        (["test", "a", "b"], "'a' and 'b'"),
        (["doctor", "x"], "'x'"),
        (["clean", "x"], "'x'"),
        (["--home"], "--home"),
        (["--home=", "clean"], "--home"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(box, arguments, words):
    done = box.run(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1 and words in done.stderr
    assert done.stderr.startswith("[tutorial] expected ")
    assert not box.home.exists(), "nothing may be made"


def test_unsupported_system(box):
    box.stand_in("uname", "echo FreeBSD\n")
    done = box.run("start", "--yes")
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1 and "FreeBSD" in done.stderr


def test_run_passes_arguments_input_and_output(box):
    arguments = ["cat", "a b", "", "*", "--yes", "-x='1'"]
    done = box.run("run", "simple_llm", *arguments, stdin="hello\nworld")
    assert done.returncode == 0
    assert done.stdout == "hello\nworld", "standard output is the program's"
    assert box.calls("simple_llm") == [
        "simple_llm " + " ".join(map(repr, arguments))
    ]
    again = box.run("run", "simple_llm", "cat", stdin="x")
    assert (again.stdout, again.stderr) == ("x", "")


def test_run_builds_what_changed(box):
    box.run("run", "simple_llm")
    source = box.clone / "code/simple_llm.cpp"
    source.write_text("#!/bin/sh\necho new\n")
    assert box.run("run", "simple_llm").stdout == "new\n"


def test_run_gives_the_exit_status(box):
    assert box.run("run", "simple_llm", "fail").returncode == 7


def test_build_failure(box):
    (box.clone / "code/simple_llm.cpp").write_text("#error no\n")
    done = box.run("run", "simple_llm")
    assert done.returncode == 1 and done.stdout == ""
    assert "[build]" in done.stderr.splitlines()[-1]
    (box.clone / "broken").touch()
    (box.clone / "CMakeLists.txt").touch()
    done = box.run("run", "simple_llm", "--offline")
    assert done.returncode == 1


def test_configure_failure_shows_why(box):
    (box.clone / "broken").touch()
    done = box.run("run", "simple_llm")
    assert done.returncode == 3 and "the sandbox is broken" in done.stderr


def test_run_ends_in_exec(box):
    process = box.popen("run", "simple_llm", "pid")
    assert int(process.stdout.readline()) == process.pid
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode in (1, 130, -signal.SIGINT)


def test_train_is_run_simple_llm_train(box):
    done = box.run("train", "--yes", "--data", "my text.txt")
    assert done.returncode == 0
    assert box.calls("simple_llm") == [
        "simple_llm 'train' '--data' 'my text.txt'"
    ]


def test_offline_reaches_the_training(box):
    box.run("train", "--offline", "--steps", "1")
    box.run("start", "--offline")
    calls = [c for c in box.calls("simple_llm") if "'train'" in c]
    assert len(calls) == 2 and all("'--offline'" in c for c in calls)


def test_programs_get_python_and_the_offline_switch(box):
    """What llm/io/model_source fetches models with, or does not."""
    names = ["PYTHON", "MLX_TUTORIAL_OFFLINE", "HF_HUB_OFFLINE"]
    ask = ["simple_llm", "environment", *names]
    python = box.env["MLX_TUTORIAL_PYTHON"]
    assert box.run("run", *ask).stdout == f"{python} None None\n"
    for command in (["run", "--offline"], ["--offline", "run"]):
        assert box.run(*command, *ask).stdout == f"{python} 1 1\n"
    python = box.use_venv()
    done = box.run("run", "--yes", *ask)
    assert done.stdout == f"{python} None None\n", done.stderr


@pytest.mark.parametrize("form", ["--home", "--home=", "variable", "relative"])
def test_home(box, form):
    wanted = box.folder / "other home"
    command = ["run", "simple_llm", "home"]
    env = {}
    if form == "--home":
        command = ["run", "--home", str(wanted), "simple_llm", "home"]
    elif form == "--home=":
        command = [f"--home={wanted}"] + command
    elif form == "relative":
        command = ["--home", "other home"] + command
    else:
        env["MLX_TUTORIAL_HOME"] = str(wanted)
    done = box.run(*command, **env)
    assert done.stdout == f"{wanted} None\n", done.stderr
    assert not box.home.exists()


def test_home_must_be_its_own_folder_and_writable(box):
    for home in ("/", "~", str(box.user), str(box.user / "x/..")):
        (box.user / "x").mkdir(exist_ok=True)
        done = box.run("start", "--yes", "--home", home)
        assert done.returncode == 2, home
    (box.folder / "file").touch()
    done = box.run("start", "--yes", "--home", str(box.folder / "file/home"))
    assert done.returncode == 4 and done.stderr.count("\n") == 1
    done = box.run("start", "--yes", HOME="")
    assert done.returncode == 3 and "HOME" in done.stderr


def test_start_trains_samples_and_says_what_next(box):
    done = box.run("start", "--yes", "--no-browser", "--", "--seed", "7")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "Once upon a time.\n"
    calls = box.calls("simple_llm")
    assert calls[0] == (
        "simple_llm 'train' '--preset' 'tiny' '--data' 'tiny-tales'"
        " '--seed' '7'"
    )
    assert calls[1].startswith("simple_llm 'sample'")
    assert f"{box.home}/models/tales-1." in done.stderr
    assert "./tutorial run simple_llm sample" in done.stderr


def test_second_start_sets_nothing_up(box):
    box.use_venv()
    assert box.run("start", "--yes").returncode == 0
    assert any("pip install" in call for call in box.calls("python"))
    box.log_file.write_text("")
    done = box.run("start", "--steps", "5")
    assert done.returncode == 0, done.stderr
    assert "Configuring" not in done.stderr and "Building" not in done.stderr
    assert not box.calls("python", "apt-get", "sudo", "conda", "curl")
    assert "'--steps' '5'" in box.calls("simple_llm")[0]
    assert f"{box.home}/models/tales-2." in done.stderr


def test_start_gives_the_status_of_the_training(box):
    done = box.run("start", "--yes", SANDBOX_TRAIN_STATUS="5")
    assert done.returncode == 5 and done.stdout == ""
    assert len(box.calls("simple_llm")) == 1


@pytest.mark.parametrize("to_group", [False, True])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_reaches_the_training_once(box, number, to_group):
    box.run("run", "simple_llm")
    process = box.popen("start", SANDBOX_TRAIN_SECONDS="30")
    box.wait_for_call("begun")
    time.sleep(0.3)
    send = os.killpg if to_group else os.kill
    send(process.pid, number)
    time.sleep(0.1)
    send(process.pid, number)  # as `timeout` does; a second one would stop it
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert box.calls("caught") == [f"caught [{int(number)}]"]
    assert not any("'sample'" in call for call in box.calls("simple_llm"))
    assert "--resume" in err and out == ""


def test_two_at_once_wait_for_each_other(box):
    lock = box.clone / "build/.lock"
    lock.mkdir(parents=True)
    (lock / "pid").write_text(str(os.getpid()))
    process = box.popen("run", "simple_llm", "sample")
    assert "waiting for it" in process.stderr.readline()
    (lock / "pid").unlink()
    lock.rmdir()
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "Once upon a time.\n"), err


def test_lock_of_a_dead_process_is_taken_over(box):
    lock = box.clone / "build/.lock"
    lock.mkdir(parents=True)
    (lock / "pid").write_text("999999999")
    assert box.run("run", "simple_llm", "sample").returncode == 0
    assert not lock.exists()


def test_moved_clone_is_configured_again(box):
    box.run("run", "simple_llm")
    moved = box.folder / "moved"
    box.clone.rename(moved)
    box.clone = moved
    done = box.run("run", "simple_llm", "sample")
    assert done.stdout == "Once upon a time.\n", done.stderr


def test_works_through_a_symbolic_link(box):
    (box.folder / "tutorial").symlink_to("my clone/tutorial")
    box.clone = box.folder
    done = box.run("run", "simple_llm", "sample")
    assert done.stdout == "Once upon a time.\n", done.stderr
