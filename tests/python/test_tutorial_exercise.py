# SPDX-License-Identifier: MIT
"""./tutorial exercise: the table, hints, solutions, reset, errors. The programs
are stand-ins that judge an answer by a word in it; topic 2, which needs the
standard library alone, is really compiled."""
import shutil
import subprocess

import pytest
from sandbox import ROOT, Sandbox

CMAKE = """cmake_minimum_required(VERSION 3.24)
project(sandbox NONE)
set(here ${CMAKE_SOURCE_DIR}/exercises)
set(built ${CMAKE_BINARY_DIR}/exercises)
foreach(topic tokenizer ngram norm attention block training sampling lora)
  set(objects)
  file(GLOB files CONFIGURE_DEPENDS ${here}/mine/${topic}/*.cpp)
  foreach(file IN LISTS files)
    get_filename_component(name ${file} NAME)
    set(folder ${built}/CMakeFiles/exercise_${topic}.dir/mine/${topic})
    set(object ${folder}/${name}.o)
    set(compile true)
    if(topic STREQUAL ngram)
      set(compile c++ -std=c++20 -fsyntax-only -I ${CMAKE_SOURCE_DIR} ${file})
    endif()
    add_custom_command(OUTPUT ${object} COMMAND ${compile}
      COMMAND mkdir -p ${folder} COMMAND touch ${object}
      DEPENDS ${file} VERBATIM)
    list(APPEND objects ${object})
  endforeach()
  set(program ${built}/exercise_${topic})
  add_custom_command(OUTPUT ${program}
    COMMAND mkdir -p ${built}
    COMMAND cp ${CMAKE_SOURCE_DIR}/stand-in.sh ${program}
    DEPENDS ${objects} ${CMAKE_SOURCE_DIR}/stand-in.sh VERBATIM)
  add_custom_target(exercise_${topic} DEPENDS ${program})
endforeach()
"""

STAND_IN = """#!/bin/sh
# exercise_norm -r=plain -o=FILE -tc="3.1 *"
echo "$0 $*" >>"$SANDBOX_LOG"
number=${3#-tc=}
number=${number% \\*}
cd "$(dirname "$0")/../../../exercises" || exit 9
topic=$(basename "$0")
file=$(grep "^$number|" list.txt | cut -d'|' -f3)
file=mine/${topic#exercise_}/$file.cpp
exec 3>"${2#-o=}"
say() { printf 'not yet\\n%s\\n%s\\n' "$number f: a, b: c" "$1" >&3; exit 1; }
grep -q CRASH "$file" && kill -SEGV $$
grep -q ENDLESS "$file" && kill -ALRM $$
grep -q PRINTS "$file" && echo "x is 7"
grep -q WRONG "$file" && say "f of 2: expected 4 but received 5"
grep -q not_yet "$file" && say "not written yet"
echo right >&3
"""


@pytest.fixture
def box(tmp_path):
    box = Sandbox(tmp_path)
    shutil.copytree(
        ROOT / "exercises",
        box.clone / "exercises",
        ignore=shutil.ignore_patterns("mine", "__pycache__"),
    )
    (box.clone / "CMakeLists.txt").write_text(CMAKE)
    stand_in = box.clone / "stand-in.sh"
    stand_in.write_text(STAND_IN)
    stand_in.chmod(0o755)
    return box


def write(box, name, text):
    """The learner's answer."""
    file = box.clone / f"exercises/mine/{name}.cpp"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def solve(box, name):
    solution = box.clone / f"exercises/solution/{name}.cpp"
    return write(box, name, solution.read_text())


def test_help_and_the_list_of_commands_have_it(box):
    assert "./tutorial exercise [N[.M]]" in box.run("help").stdout
    assert " exercise, " in box.run("bogus").stderr


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["9"], "a topic from 1 to 8 or an exercise such as 3.1 but"),
        (["0"], "'0'"),
        (["03"], "'03'"),
        (["x"], "'x'"),
        ([".1"], "'.1'"),
        (["3|"], "'3|'"),
        (["3.9"], "one of 3.1 3.2 3.3 but received '3.9'"),
        (["3."], "'3.'"),
        (["3..1"], "'3..1'"),
        (["3.1.1"], "'3.1.1'"),
        (["3", "4"], "'3' and '4'"),
        (["--bogus"], "'--bogus'"),
        (["--hint"], "a number with --hint"),
        (["--solution"], "a number with --solution"),
        (["--reset"], "--reset"),
        (["3", "--reset"], "one exercise with --reset"),
        (["3.1", "--hint", "--reset"], "one of --hint"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(box, arguments, words):
    done = box.run("exercise", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and words in done.stderr
    assert done.stderr.startswith("[tutorial] expected ")
    assert not (box.clone / "exercises/mine").exists(), "nothing may be made"
    assert not (box.clone / "build").exists()


def test_the_list_shows_all_with_their_state(box):
    solve(box, "norm/softmax")
    write(box, "norm/layer_norm", "WRONG")
    done = box.run("exercise", "--yes")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[1] == (
        "1 Tokenizer (start, about 60 minutes; read"
        " public/docs/llm-architecture.md first)"
    )
    assert "  3.1 ★    Softmax                      right" in lines
    assert "  3.2 ★★   Layer norm                   not yet" in lines
    assert "  3.3 ★★★  The gradient of layer norm   not yet" in lines
    assert "1 of 25 right" in lines
    assert lines[-1] == (
        "Next: ./tutorial exercise 1.1, in"
        " exercises/mine/tokenizer/count_pairs.cpp"
    )
    assert len(box.calls(f"{box.clone}/build")) == 0
    topics = [line for line in lines if line[:1].isdigit() and "read" in line]
    assert len(topics) == 8


def test_the_files_are_made_once_and_kept(box):
    mine = solve(box, "norm/softmax")
    assert box.run("exercise", "3.1").returncode == 0
    assert mine.read_text() == solve(box, "norm/softmax").read_text()
    student = box.clone / "exercises/student"
    for file in student.rglob("*.cpp"):
        own = box.clone / "exercises/mine" / file.relative_to(student)
        assert own == mine or own.read_text() == file.read_text()


def test_a_clone_of_git_does_not_see_the_answers():
    """So that `git pull` has nothing to overwrite."""
    command = ["git", "-C", str(ROOT), "check-ignore", "--no-index", "-q"]
    file = "exercises/mine/norm/softmax.cpp"
    ignored = ROOT / "exercises/.gitignore"
    assert ignored.read_text() == "/mine/\n"
    if shutil.which("git") and (ROOT / ".git").exists():
        assert subprocess.run([*command, file]).returncode == 0


def test_all_right_is_exit_0(box):
    for name in ("bigram", "loss", "witten_bell"):
        solve(box, f"ngram/{name}")
    done = box.run("exercise", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("right\n\n3 of 3 right\n")


def test_not_written_yet(box):
    done = box.run("exercise", "3.1")
    assert done.returncode == 1
    assert done.stdout.splitlines()[1:7] == [
        "3 Softmax and layer norm (start, about 45 minutes; read"
        " public/docs/intro-to-mlx.md first)",
        "  3.1 ★    Softmax                      not yet",
        "",
        "0 of 1 right",
        "",
        "3.1 Softmax, in exercises/mine/norm/softmax.cpp",
    ]
    last = done.stdout.splitlines()[7:]
    assert last[0].startswith("  Not written yet: the task is at the top")
    assert last[1].startswith("  Hint:  Take mx::max(x, -1, true) off x")
    assert len(last) == 4 and max(map(len, last)) <= 80


def test_the_first_that_is_wrong_is_explained(box):
    solve(box, "norm/softmax")
    write(box, "norm/layer_norm", "WRONG PRINTS")
    write(box, "norm/layer_norm_gradient", "WRONG")
    done = box.run("exercise", "3")
    assert done.returncode == 1
    explained = done.stdout.split("1 of 3 right\n\n")[1].splitlines()
    assert explained[:3] == [
        "3.2 Layer norm, in exercises/mine/norm/layer_norm.cpp",
        "  Test:  a, b: c",
        "  Found: f of 2: expected 4 but received 5",
    ]
    assert explained[3].startswith("  Hint:  Compute x - mean first")
    assert explained[-2:] == ["  It printed:", "    x is 7"]


@pytest.mark.parametrize(
    "word, found",
    [
        ("CRASH", "it ended with status 139"),
        ("ENDLESS", "no end within 20 seconds: does every loop end?"),
    ],
)
def test_a_crash_and_a_loop_without_end(box, word, found):
    write(box, "norm/softmax", word)
    done = box.run("exercise", "3.1")
    assert done.returncode == 1
    assert f"  Found: {found}\n" in done.stdout
    assert done.stderr.count("\n") <= 2, done.stderr


def test_a_compile_error_shows_file_and_line(box):
    text = solve(box, "ngram/loss").read_text()
    wrong = text.replace("return sum", "return som")
    write(box, "ngram/loss", wrong)
    row = 1 + wrong.splitlines().index(
        next(line for line in wrong.splitlines() if "som" in line)
    )
    done = box.run("exercise", "2")
    assert done.returncode == 1
    assert "  2.1 ★    Count what follows           not built\n" in done.stdout
    assert (
        "  2.2 ★★   Measure the surprise         does not compile\n"
        in done.stdout
    )
    assert f"\nexercises/mine/ngram/loss.cpp:{row}:" in done.stdout
    assert "error: " in done.stdout and "return som" in done.stdout
    assert str(box.clone) not in done.stdout.replace(str(box.home), "")
    # The other topics go on.
    done = box.run("exercise", "3.1")
    assert "not yet" in done.stdout


def test_a_changed_function_does_not_compile(box):
    """Since the answer defines ex::loss, which must fit the header."""
    text = solve(box, "ngram/loss").read_text()
    write(box, "ngram/loss", text.replace("const Table& p", "Table& p"))
    done = box.run("exercise", "2.2")
    assert "\nexercises/mine/ngram/loss.cpp:" in done.stdout
    assert "must stay as they are in exercises/include." in done.stdout


def test_hint_and_solution_build_nothing(box):
    done = box.run("exercise", "3.1", "--hint")
    assert done.returncode == 0 and done.stdout.startswith("3.1 Softmax: Take")
    assert box.run("exercise", "3", "--hint").stdout.count("\n") == 3
    done = box.run("exercise", "--solution", "3.1")
    solution = box.clone / "exercises/solution/norm/softmax.cpp"
    assert done.stdout == solution.read_text()
    assert done.stderr == "exercises/solution/norm/softmax.cpp\n"
    assert not (box.clone / "build").exists()
    assert not (box.clone / "exercises/mine").exists()


def test_reset_asks_and_restores_one_file(box):
    mine = write(box, "norm/softmax", "mine")
    other = write(box, "norm/layer_norm", "other")
    empty = (box.clone / "exercises/student/norm/softmax.cpp").read_text()
    status, shown = box.run_on_terminal(
        "exercise", "3.1", "--reset", answer="n\n"
    )
    assert status == 3 and "exercises/mine/norm/softmax.cpp?" in shown
    assert mine.read_text() == "mine"
    done = box.run("exercise", "3.1", "--reset", "--yes")
    assert done.returncode == 0, done.stderr
    assert mine.read_text() == empty and other.read_text() == "other"
    done = box.run("exercise", "3.1", "--reset")
    assert done.returncode == 0 and "already" in done.stderr
