# SPDX-License-Identifier: MIT
"""Programs (%%cpp --main): a process of their own, whose end does no harm."""

import pytest
from cpp_cells import Notebook


@pytest.fixture(scope="module", params=["clang", "gcc"])
def notebook(request):
    return Notebook(request.param)


def test_output_and_errors(notebook, capsys):
    notebook.cell(
        "--main",
        """
        #include <array>
        int main() {
          mx::array x = mx::sum(mx::ones({3}));
          std::cout << "é " << x.item<float>() << std::endl;
          std::cerr << "careful\\n";
          std::printf("printf too\\n");
        }
        """,
    )
    said = capsys.readouterr()
    assert said.out == "é 3\nprintf too\n" and said.err == "careful\n"


def test_named_cells_and_checks_work_without_python(notebook, capsys):
    notebook.cell(
        "--name count.hpp",
        "inline int count(int n) { int i = 0; while (i < n) ++i; return i; }",
    )
    notebook.cell(
        "--main",
        """
        #include "count.hpp"
        int main() { check_interrupt(); std::cout << count(5); }
        """,
    )
    assert capsys.readouterr().out == "5"


@pytest.mark.parametrize(
    "statement, message",
    [
        (
            "int* p = nullptr; *(volatile int*)p = 1;",
            "crashed with SIGSEGV: it",
        ),
        (
            'throw std::runtime_error("why");',
            "crashed with SIGABRT: it gave up",
        ),
        ("return 3;", "ended with exit status 3."),
    ],
)
def test_a_crash_is_a_short_error(statement, message, capsys):
    notebook = Notebook()
    said = notebook.refused("--main", f"int main() {{ {statement} }}")
    assert message in said and "\n" not in said
    if "why" in statement:
        assert "why" in capsys.readouterr().err


def test_errors_are_those_of_other_cells(notebook):
    said = notebook.refused("--main", "int main() {\n  return nothing;\n}")
    assert said.startswith("line 3: ") and "  return nothing;" in said
    said = notebook.refused("--main", "int f() { return 1; }")
    assert said == "expected `int main() {...}` in a --main cell."
