# SPDX-License-Identifier: MIT
"""Types of C++ cells: structs that are defined again, and cells that include
others by their names.
"""

import mlx.core as mx
import pytest
from cpp_cells import Notebook


@pytest.fixture(scope="module", params=["clang", "gcc"])
def both(request):
    return Notebook(request.param)


@pytest.fixture()
def notebook():
    return Notebook()


# --- trap 1: a struct that is defined again ----------------------------------

SCALE = """
struct Scale { %s };
void bind(nb::module_& m) {
  nb::class_<Scale>(m, "Scale").def(nb::init<>()).def_rw("x", &Scale::x);
}
float read(const Scale& s) { return s.x; }
"""


def test_redefined_struct_is_another_type(both):
    both.cell("read", SCALE % "float x = 1.5f;")
    old, read_old = both["Scale"](), both["read"]
    assert read_old(old) == 1.5
    both.cell("read", SCALE % "double before = 7; float x = 2.5f;")
    new, read_new = both["Scale"](), both["read"]
    assert read_new(new) == 2.5
    with pytest.raises(TypeError):
        read_new(old)
    with pytest.raises(TypeError):
        read_old(new)
    assert read_old(old) == 1.5  # the old pair still works


def test_the_same_cell_again_keeps_its_types(notebook, recwarn):
    notebook.cell("read", SCALE % "float x = 3.5f;")
    old = notebook["Scale"]()
    notebook.cell("read", SCALE % "float x = 3.5f;")
    assert notebook["read"](old) == 3.5
    assert not list(recwarn)  # nanobind warns of a type that it knows already


# --- named cells -------------------------------------------------------------


def test_include_of_a_named_cell(both):
    both.cell(
        "--name layer.hpp",
        """
        #include <array>
        struct Layer { mx::array w; };
        inline int folded(int n) { while (n > 9) n /= 10; return n; }
        void bind(nb::module_& m) {
          nb::class_<Layer>(m, "Layer").def(nb::init<mx::array>());
        }
        """,
    )
    both.cell(
        "forward fold",
        """
        #include "layer.hpp"
        mx::array forward(const Layer& layer, const mx::array& x) {
          return mx::matmul(x, layer.w);
        }
        int fold(int n) { return folded(n); }
        """,
    )
    layer = both["Layer"](mx.array([[2.0], [3.0]]))
    assert both["forward"](layer, mx.array([[1.0, 1.0]])).item() == 5
    assert both["fold"](789) == 7


def test_a_named_cell_that_changes(notebook):
    use = '#include "n.hpp"\nint n() { return number; }'
    refused = notebook.refused("n", use)
    assert "%%cpp --name n.hpp first" in refused and "line 2" in refused
    notebook.cell("--name n.hpp", "constexpr int number = 1;")
    notebook.cell("n", use)
    assert notebook["n"]() == 1
    notebook.cell("--name n.hpp", "constexpr int number = 2;")
    assert notebook["n"]() == 1  # as in Python: until its cell is run again
    notebook.cell("n", use)
    assert notebook["n"]() == 2


def test_named_cells_include_each_other(notebook):
    notebook.cell("--name a.hpp", "#pragma once\nstruct A { int x = 3; };")
    notebook.cell(
        "--name b.hpp", '#include "a.hpp"\nstruct B { A a; int y = 4; };'
    )
    notebook.cell(
        "sum",
        '#include "a.hpp"\n#include "b.hpp"\n'
        "int sum() { A a = B{}.a; return a.x + B{}.y; }",
    )
    assert notebook["sum"]() == 7


def test_a_name_that_the_cache_uses_too(notebook):
    notebook.cell("--name cell.cpp", "constexpr int number = 6;")
    notebook.cell("f", '#include "cell.cpp"\nint f() { return number; }')
    assert notebook["f"]() == 6


@pytest.mark.parametrize("name", ["../x.hpp", "x", "a/b.hpp", ".hpp"])
def test_bad_names(notebook, name):
    assert "a name such as model.hpp" in notebook.refused(f"--name {name}", "")
