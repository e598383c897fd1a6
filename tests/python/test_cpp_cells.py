# SPDX-License-Identifier: MIT
"""C++ cells compiled in this process: what they leave in the notebook, and each
trap that the first design fell into. clang++ compiles, and g++ where the two
could differ.
"""

import mlx.core as mx
import numpy as np
import pytest
from cpp_cells import Notebook
from mlx_llm_tutorial.cpp import seed

ATTENTION = """
mx::array attention(const mx::array& q, const mx::array& k, const mx::array& v) {
  const float scale = 1.0f / std::sqrt(static_cast<float>(q.shape(-1)));
  const mx::array scores = mx::matmul(q, mx::swapaxes(k, -1, -2));
  return mx::matmul(mx::softmax(mx::multiply(scores, mx::array(scale)), -1), v);
}
"""


def attention(q, k, v):
    scores = (q @ k.swapaxes(-1, -2)) * (q.shape[-1] ** -0.5)
    return mx.softmax(scores, axis=-1) @ v


@pytest.fixture(scope="module", params=["clang", "gcc"])
def both(request):
    notebook = Notebook(request.param)
    notebook.cell("attention", ATTENTION)
    return notebook


@pytest.fixture()
def notebook():
    return Notebook()


# --- exports -----------------------------------------------------------------


def test_arrays_are_pythons_own(both):
    mx.random.seed(1)
    q, k, v = (mx.random.normal((2, 5, 8)) for _ in range(3))
    out = both["attention"](q, k, v)
    assert type(out) is mx.array
    assert mx.allclose(out, attention(q, k, v), atol=1e-6)


def test_gradient_through_cpp_is_that_of_python(both):
    """The reference is MLX's gradient of the same formula in Python."""
    mx.random.seed(2)
    q, k, v = (mx.random.normal((5, 8)) for _ in range(3))
    ours = mx.grad(lambda *x: both["attention"](*x).square().sum(), (0, 1, 2))
    other = mx.grad(lambda *x: attention(*x).square().sum(), (0, 1, 2))
    for a, b in zip(ours(q, k, v), other(q, k, v)):
        assert mx.allclose(a, b, atol=1e-6)
        assert mx.abs(a).max() > 1e-3


def test_parameters_have_their_names(both):
    with pytest.raises(TypeError) as error:
        both["attention"](1, 2, 3)
    assert "q: mlx.core.array, k: mlx.core.array" in str(error.value)
    x = mx.ones((2, 2))
    assert both["attention"](v=x, q=x, k=x).shape == (2, 2)


def test_values_overloads_and_defaults(notebook):
    notebook.cell(
        "twice shape norm total",
        """
        struct Config { float p = 2; };
        int twice(int x, int times = 2) { return x * times; }
        std::string twice(const std::string& text) { return text + text; }
        auto shape(const mx::array& x) -> mx::Shape { return x.shape(); }
        float norm(const std::vector<float>& x, std::optional<float> p = {}) {
          float sum = 0;
          for (float value : x) sum += std::pow(value, p.value_or(2));
          return std::pow(sum, 1 / p.value_or(2));
        }
        mx::array total(std::map<std::string, mx::array> parameters,
                        std::function<mx::array(mx::array)> each) {
          mx::array sum = mx::array(0.0f);
          for (auto& [name, x] : parameters) sum = mx::add(sum, each(x));
          return sum;
        }
        """,
    )
    assert notebook["twice"](4) == 8 and notebook["twice"](4, times=3) == 12
    assert notebook["twice"]("é") == "éé"
    assert notebook["shape"](mx.zeros((3, 0, 2))) == [3, 0, 2]
    assert notebook["norm"]([3, 4]) == 5 and notebook["norm"]([3, 4], 1) == 7
    parts = {"a": mx.array([1.0, 2.0]), "b": mx.array(4.0)}
    assert notebook["total"](parts, lambda x: x.sum()).item() == 7


def test_names_must_be_functions_of_the_cell(notebook):
    text = "int count() { return 1; }"
    assert "did you mean 'count'" in notebook.refused("cuont", text)
    notebook.cell("count", text)
    assert notebook["count"]() == 1


def test_a_cell_without_exports_says_so(notebook, capsys):
    notebook.cell("", "int count() { return 1; }\nint other() { return 2; }")
    assert "begin with: %%cpp count other" in capsys.readouterr().out


# --- options -----------------------------------------------------------------


def test_run(both, capsys):
    both.cell("--run", "int n = 3;\nstd::cout << n * n << '\\n';")
    both.cell("--run", "int n = 3;\nstd::cout << n * n << '\\n';")
    assert capsys.readouterr().out == "9\n9\n"


@pytest.mark.parametrize(
    "line, message",
    [
        ("--run f", "expected --run alone but received 'f'"),
        ("--main --name x.hpp", "expected --main alone but received 'x.hpp'"),
        ("--run --main", "expected --run alone but received 'main'"),
        ("-O3 f", "invalid choice: 3"),
        ("--nmae x.hpp", "unrecognized arguments: --nmae"),
        ("'f", "No closing quotation"),
    ],
)
def test_bad_options(notebook, line, message):
    assert message in notebook.refused(line, "int f() { return 1; }")


def test_optimization_time_and_show(notebook, capsys):
    text = """
    bool optimized() {
    #ifdef __OPTIMIZE__
      return true;
    #else
      return false;
    #endif
    }
    """
    notebook.cell("optimized --time --show", text)
    assert notebook["optimized"]()
    out = capsys.readouterr().out
    assert "-O2" in out and 'm.def("optimized"' in out
    assert out.splitlines()[-1].startswith("compile ")
    notebook.cell("-O0 optimized --time", text)
    assert not notebook["optimized"]()
    capsys.readouterr()
    notebook.cell("-O0 optimized --time", text)
    assert "compile 0 (from the cache)" in capsys.readouterr().out


def test_check_interrupt_in_constants(both):
    both.cell(
        "f",
        """
        constexpr int digits(int n) {
          int count = 0;
          while (n > 0) { n /= 10; ++count; }
          return count;
        }
        static_assert(digits(1234) == 4);
        int f(int n) { return digits(n); }
        """,
    )
    assert both["f"](99) == 2


# --- trap 5: seeds -----------------------------------------------------------


def test_one_seed_for_both_sides(notebook):
    notebook.cell(
        "draw", "mx::array draw() { return mx::random::normal({4}); }"
    )

    def both_sides():
        return mx.random.normal((4,)).tolist(), notebook["draw"]().tolist()

    seed(7)
    first, next_ones = both_sides(), both_sides()
    seed(7)
    assert both_sides() == first and both_sides() == next_ones
    seed(8)
    other = both_sides()
    assert other[0] != first[0] and other[1] != first[1]
    for bad in (-1, 2**64, 1.5, "7"):
        with pytest.raises(ValueError, match="expected a whole number"):
            seed(bad)


# --- trap 7: main and includes; trap 8: MLX's overloads ----------------------


def test_includes_may_stand_anywhere(notebook):
    notebook.cell(
        "f",
        """
        int one() { return 1; }
        #include <bitset>
        int f() { return std::bitset<8>(7).count() + one(); }
        """,
    )
    assert notebook["f"]() == 4


def test_text_is_not_an_axis():
    """`mx::sum(x, "axis")` is `keepdims = true` to C++: clang refuses it."""
    text = 'mx::array f(const mx::array& x) { return mx::sum(x, "axis"); }'
    assert "string literal into bool" in Notebook("clang").refused("f", text)


# --- exceptions --------------------------------------------------------------


def test_exceptions_of_cpp_are_pythons(both):
    both.cell(
        "multiply fail",
        """
        mx::array multiply(const mx::array& a, const mx::array& b) {
          return mx::matmul(a, b);
        }
        void fail(int kind) {
          if (kind == 0) throw std::runtime_error("[f] expected 1 but received 2");
          if (kind == 1) throw std::out_of_range("no such row");
          if (kind == 2) nb::object(nb::cast(1).attr("nothing"));
          throw 42;
        }
        """,
    )
    with pytest.raises(ValueError, match=r"\[matmul\] Last dimension"):
        both["multiply"](mx.zeros((2, 3)), mx.zeros((2, 3)))
    fail = both["fail"]
    with pytest.raises(
        RuntimeError, match=r"^\[f\] expected 1 but received 2$"
    ):
        fail(0)
    with pytest.raises(IndexError, match="no such row"):
        fail(1)
    with pytest.raises(AttributeError, match="nothing"):
        fail(2)
    with pytest.raises(SystemError):
        fail(3)


def test_an_exception_of_statements_is_brief(notebook):
    with pytest.raises(ValueError) as error:
        notebook.cell("--run", 'throw std::invalid_argument("[x] no");')
    assert error.value._render_traceback_() == ["ValueError: [x] no"]


def test_numpy_and_float_go_where_mlx_lets_them(notebook):
    """C++ takes mx.array only: a clear TypeError, no silent copy."""
    notebook.cell("same", "mx::array same(const mx::array& x) { return x; }")
    for value in (np.ones(3), 1.0, [1.0]):
        with pytest.raises(TypeError, match="x: mlx.core.array"):
            notebook["same"](value)
