# SPDX-License-Identifier: MIT
"""What a reader sees of a wrong cell: one message, the line of the cell and a
caret, in both compilers; and that the corrected cell runs.
"""

import pytest
from cpp_cells import Notebook
from mlx_llm_tutorial.cpp import errors
from mlx_llm_tutorial.cpp.source import Source


@pytest.fixture(scope="module", params=["clang", "gcc"])
def notebook(request):
    return Notebook(request.param)


def place(said):
    """(number of the line, its text, the text above the caret) shown."""
    lines = said.splitlines()
    at = next(i for i, line in enumerate(lines) if line.strip(" |") == "^")
    number, code = lines[at - 1].split(" | ", 1)
    caret = lines[at].split(" | ", 1)[1].index("^")
    return int(number), code, code[caret:]


def test_a_wrong_name_then_a_right_one(notebook):
    text = """
    int f(int x) {
      int value = x;

      return valeu;
    }
    """
    said = notebook.refused("f", text)
    assert said.startswith("line 5: ") and "valeu" in said.splitlines()[0]
    assert place(said) == (5, "  return valeu;", "valeu;")
    assert len(said.splitlines()) <= 6
    notebook.cell("f", text.replace("valeu", "value"))
    assert notebook["f"](3) == 3


def test_notes_of_mlx_are_hidden_unless_asked(notebook):
    text = """
    mx::array f(const mx::array& x) {
      return mx::matmul(x);
    }
    """
    said = notebook.refused("f", text)
    assert said.startswith("line 3: ") and "matmul" in said
    assert place(said)[1] == "  return mx::matmul(x);"
    assert "mlx/ops.h" not in said and "%%cpp --notes shows all" in said
    assert len(said.splitlines()) <= 6
    assert "mlx/ops.h" in notebook.refused("f --notes", text)


def test_columns_after_a_check_and_in_unicode(notebook):
    said = notebook.refused(
        "--run", 'while (true) { std::string s = "é"; nothing(s); }'
    )
    assert place(said)[2] == "nothing(s); }"
    assert "check_interrupt" not in said


def test_an_error_inside_a_header_is_placed_where_it_is_used(notebook):
    said = notebook.refused(
        "--run",
        """
        struct NoOrder { int x; };
        std::vector<NoOrder> list(3);
        std::sort(list.begin(), list.end());
        """,
    )
    assert place(said)[:2] == (4, "std::sort(list.begin(), list.end());")


def test_an_error_in_a_binding_is_placed_at_the_function(notebook):
    text = "int one() { return 1; }\nint f(int n = missing) { return n; }"
    assert place(notebook.refused("f", text))[0] == 3


def test_a_file_that_is_not_there(notebook):
    said = notebook.refused("f", "int f();\n#include <no_such_file>\n")
    said = notebook.refused(
        "f", "int f() { return 1; }\n#include <no_such_file>\n"
    )
    assert said.startswith("line 3: ") and "no_such_file" in said


def test_brackets_are_looked_at_before_the_compiler(notebook):
    said = notebook.refused("f", "int f() {\n  return (1;\n}")
    assert said.startswith("line 3: expected ')' but received ';'") or (
        said.startswith("line 4: expected ')' but received '}'")
    )


def test_types_are_written_as_in_the_cell(notebook):
    said = notebook.refused(
        "f", "struct S {};\nint f(const mx::array& x) { return S{} + x; }"
    )
    assert said.startswith("line 3: ") and "mlx::core" not in said
    assert "S" in said and "::S" not in said


def test_declared_but_not_defined(notebook):
    text = "int g(int n);\nint f() { return g(1); }"
    said = notebook.refused("f", text)
    assert "expected a definition of g(int)" in said
    assert "g(int)" in notebook.refused(
        "--main", "int g(int n);\nint main() { return g(1); }"
    )
    notebook.cell("f", text.replace("n);", "n) { return n; }"))
    assert notebook["f"]() == 1


def test_a_default_that_python_cannot_hold(notebook):
    said = notebook.refused(
        "f", "struct C { int x; };\nint f(C c = {1}) { return c.x; }"
    )
    assert said.startswith("the cell does not load: ") and "\n" not in said


def test_warnings_are_shown_and_remembered(notebook, capsys):
    text = "int f() {\n  int unused = 1;\n  return 2;\n}"
    for _ in range(2):
        notebook.cell("f", text)
        said = capsys.readouterr().err
        assert said.startswith("warning: line 3: unused variable")


def test_the_cell_is_a_real_file(notebook):
    """So that compilers and debuggers can show it."""
    text = "int f() {\n  return nowhere;\n}"
    said = notebook.refused("f --notes", text)
    assert "cell.cpp:3:" in said and "return nowhere;" in said


# --- without a compiler ------------------------------------------------------

GCC = """\
In file included from /usr/include/c++/12/algorithm:61,
                 from /cells/1/prelude.hpp:3:
/usr/include/c++/12/bits/x.h: In instantiation of 'bool less()':
/cells/2/cell.cpp:4:12:   required from here
/usr/include/c++/12/bits/x.h:43:23: error: no match for 'operator<' in 'a < b'
/cells/2/cell.cpp:2:8: note: candidate
"""
CLANG = """\
In file included from <built-in>:1:
/usr/include/c++/12/bits/x.h:43:23: error: invalid operands to 'a < b'
   43 |       { return a < b; }
      |                ~ ^ ~
/cells/2/cell.cpp:4:6: note: in instantiation of 'sort' requested here
/cells/2/cell.cpp:2:8: note: candidate
1 error generated.
"""


@pytest.mark.parametrize("said, column", [(GCC, 12), (CLANG, 6)])
def test_place_of_use(said, column):
    found = errors.diagnostics(said, "/cells/2/cell.cpp")
    assert [(d.line, d.column, d.is_error) for d in found] == [
        (4, column, True)
    ]


@pytest.mark.parametrize(
    "long, short",
    [
        (
            "'mlx::core::array' and 'v0123456789abcdef::S'",
            "'mx::array' and 'S'",
        ),
        ("std::__cxx11::basic_string<char>", "std::string"),
        ("std::__1::vector<int>", "std::vector<int>"),
    ],
)
def test_shorter(long, short):
    assert errors.shorter(long) == short


@pytest.mark.parametrize(
    "said",
    [
        "/usr/bin/ld: cell.cpp:(.text+0x5): undefined reference to `g(int)'",
        'Undefined symbols for architecture arm64:\n  "g(int)", referenced from:',
    ],
)
def test_names_that_the_linker_misses(said):
    assert "a definition of g(int) but" in str(errors.from_linker(said))


@pytest.mark.parametrize(
    "said",
    [
        "/a/module.so: undefined symbol: _Z1gi",
        "dlopen(/a.so, 2): symbol not found in flat namespace '__Z1gi'",
    ],
)
def test_names_that_the_loader_misses(said):
    demangled = {"_Z1gi": "g(int)"}.get
    text = str(errors.from_loader(ImportError(said), demangled))
    assert "a definition of g(int) but" in text


def test_a_long_message_is_cut():
    source = Source("void f() {}")
    said = "/c:2:1: error: no match for " + "std::pair<int, " * 99
    text = str(errors.from_compiler(said, "/c", source, False))
    assert len(text) < 500 and " ..." in text and "--notes" in text


def test_a_tab_keeps_the_caret_in_its_place():
    source = Source("void f() {\n\tg(x);\n}")
    said = errors.from_compiler(
        "/c:3:4: error: 'x' was not declared\n", "/c", source, False
    )
    assert str(said).splitlines()[-2:] == ["    3 | \tg(x);", "      | \t  ^"]
