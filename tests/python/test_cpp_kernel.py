# SPDX-License-Identifier: MIT
"""C++ cells in a real kernel: order of output, Ctrl-C, crashes, and what is
missing on the machine. After each of them the kernel lives and works.
"""

import os
import time

import pytest
from cpp_cells import Done, Kernel, compiler

LOOP = """\
%%cpp spin
int spin(int n) {
  std::cout << "started" << std::endl;
  int turns = 0;
  while (turns != n) {
    turns += 2;
    turns -= 1;
  }
  return turns;
}
"""


@pytest.fixture(scope="module")
def kernel():
    with Kernel() as one:
        yield one


def works(kernel):
    done = kernel.run("%%c++ seven\nint seven() { return 7; }")
    assert not done.error
    assert kernel.run("seven()").text == "7\n"
    return True


def interrupted(kernel, code, said="started"):
    """The end of a cell that has none, and is interrupted after it has spoken.
    That it ends is the proof."""
    done = kernel.finish(Done(kernel.start(code)), until=said)
    assert said in done.text, done.error
    time.sleep(0.2)
    kernel.interrupt()
    return kernel.finish(done)


def test_output_is_in_order(kernel):
    kernel.run(
        """\
        %%cpp say
        void say(const std::string& word) {
          std::cout << word << ' ';
          std::printf("");
          std::cout << mx::array({1, 2}) << '\\n';
        }
        """
    )
    code = (
        "for i in range(3):\n    print('py', i)\n    say(f'é{i}')\nprint('end')"
    )
    lines = [
        line
        for i in range(3)
        for line in (f"py {i}", f"é{i} array([1, 2], dtype=int32)")
    ]
    assert kernel.run(code).text.splitlines() == [*lines, "end"]


@pytest.mark.parametrize("kind", ["--run", "--main"])
def test_output_streams_while_cpp_runs(kernel, tmp_path, kind):
    """It goes on only when the reader has seen its first words. A wait without
    a loop of the cell's own: nothing lets Python's other threads run."""
    path = tmp_path / "seen"
    code = f"""\
    %%cpp {kind}
    #include <filesystem>
    #include <thread>
    MAIN
      std::cout << "first\\n" << "second\\n";
      std::vector<int> turns(5000);
      std::any_of(turns.begin(), turns.end(), [](int) {{
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        return std::filesystem::exists("{path}");
      }});
      std::cout << std::filesystem::exists("{path}") << " third\\n";
    END
    """
    is_main = kind == "--main"
    code = code.replace("MAIN", "int main() {" if is_main else "{")
    done = Done(kernel.start(code.replace("END", "}")))
    kernel.finish(done, until="first\nsecond")
    assert done.text.strip() == "first\nsecond"
    path.touch()
    assert kernel.finish(done).text == "first\nsecond\n1 third\n"


def test_output_of_threads_and_errors(kernel):
    """A thread that has not Python's lock must neither wait nor be lost."""
    done = kernel.run(
        """\
        %%cpp --run
        #include <thread>
        std::thread other([] { std::cout << "from a thread\\n"; });
        other.join();
        std::cerr << "careful\\n";
        """
    )
    assert sorted(done.parts) == [
        ("stderr", "careful\n"),
        ("stdout", "from a thread\n"),
    ]


def test_an_infinite_loop_and_ctrl_c(kernel):
    assert not kernel.run(LOOP).error
    done = interrupted(kernel, "spin(-1)")
    assert "KeyboardInterrupt" in done.error
    assert kernel.run("spin(5)").text == "started\n5\n"


def test_what_python_printed_is_shown_while_cpp_runs(kernel):
    kernel.run("%%cpp quiet\nvoid quiet() { while (true) {} }")
    done = interrupted(kernel, "print('before')\nquiet()", "before")
    assert "KeyboardInterrupt" in done.error


def test_an_interrupted_cell_of_statements_is_brief(kernel):
    code = '%%cpp --run\nstd::cout << "started\\n"; while (true) {}'
    done = interrupted(kernel, code)
    assert done.error == "KeyboardInterrupt"
    assert works(kernel)


def test_check_interrupt_in_arithmetic(kernel):
    code = """\
    %%cpp --run
    double sum = 0;
    std::cout << "started" << std::endl;
    for (long i = 0; i < 1000000000000; ++i) {
      sum += i * 0.5;
      if (i % 1000 == 0) check_interrupt();
    }
    std::cout << sum;
    """
    done = interrupted(kernel, code)
    assert "KeyboardInterrupt" in done.error


def test_ctrl_c_kills_only_the_program(kernel):
    kernel.run("kept = 3")
    code = """\
    %%cpp --main
    #include <unistd.h>
    int main() { std::cout << "pid " << getpid() << std::endl; while (true) {} }
    """
    done = interrupted(kernel, code, "pid ")
    assert done.error == "KeyboardInterrupt: the program was stopped"
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.text.split()[1]), 0)
    assert kernel.run("kept").text == "3\n"


def test_a_program_streams_and_may_be_killed(kernel):
    """By someone else, such as a system that is out of memory."""
    code = """\
    %%cpp --main
    #include <unistd.h>
    int main() { std::printf("pid %d\\n", getpid()); while (true) {} }
    """
    done = kernel.finish(Done(kernel.start(code)), until="pid ")
    os.kill(int(done.text.split()[1]), 9)
    error = kernel.finish(done).error
    assert error == "CppError: the program crashed with SIGKILL."
    assert works(kernel)


def test_a_null_pointer_in_a_program(kernel):
    done = kernel.run(
        "%%cpp --main\nint main() { return *(volatile int*)nullptr; }"
    )
    assert done.error.startswith("CppError: the program crashed with SIGSEGV")
    assert works(kernel)


def test_errors_are_short(kernel):
    done = kernel.run("%%cpp f\nint f() {\n  return x;\n}")
    assert done.error.startswith("CppError: line 3: ")
    assert "    3 |   return x;" in done.error
    assert "Traceback" not in done.error and done.error.count("\n") <= 6
    done = kernel.run('%%cpp --run\nthrow std::runtime_error("[a] no; do b.");')
    assert done.error == "RuntimeError: [a] no; do b."
    assert (
        "f g            compile"
        in kernel.run("get_ipython().find_cell_magic" "('c++').__doc__").text
    )
    assert works(kernel)


def test_structs_and_stale_functions(kernel):
    cell = """\
    %%%%cpp read
    struct S {{ {0} }};
    void bind(nb::module_& m) {{ nb::class_<S>(m, "S").def(nb::init<>()); }}
    float read(const S& s) {{ return s.x; }}
    """
    kernel.run(cell.format("float x = 1.5f;").replace("%%%%", "%%"))
    kernel.run("old, stale = S(), read")
    kernel.run(
        cell.format("double y = 3; float x = 2.5f;").replace("%%%%", "%%")
    )
    assert kernel.run("stale(old), read(S())").text == "(1.5, 2.5)\n"
    assert "TypeError" in kernel.run("read(old)").error
    assert "TypeError" in kernel.run("stale(S())").error
    assert works(kernel)


def test_tqdm_in_a_loop(kernel):
    """The plain one needs no ipywidgets and does not warn."""
    works(kernel)
    done = kernel.run(
        "from tqdm import tqdm\nsum(seven() for _ in tqdm(range(3)))"
    )
    assert done.text.endswith("21\n") and "Warning" not in done.text


def test_no_compiler_then_one(tmp_path):
    variables = {"PATH": tmp_path, "MLX_TUTORIAL_CXX": ""}
    with Kernel(load=False, **variables) as kernel:
        for code in ("%load_ext mlx_llm_tutorial.cpp", "%%cpp f\nint f();"):
            error = kernel.run(code).error
            assert error.startswith("CppError: [%%cpp] expected a C++ compiler")
            assert "apt-get install g++" in error and "\n" not in error
        kernel.run(f"%env PATH={os.environ['PATH']}")
        kernel.run(f"%env MLX_TUTORIAL_CXX={compiler()}")
        assert works(kernel)


def test_a_cell_of_another_kernel_is_in_the_cache(kernel):
    works(kernel)
    with Kernel() as other:
        done = other.run("%%cpp seven --time\nint seven() { return 7; }")
        assert "compile 0 (from the cache)" in done.text
        assert other.run("seven()").text == "7\n"
