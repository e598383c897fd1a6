# SPDX-License-Identifier: MIT
"""How the text of a C++ cell is read and rewritten. No compiler is needed."""

import re

import pytest
from cpp_cells import PACKAGE  # noqa: F401  (finds the package)
from mlx_llm_tutorial.cpp import generate
from mlx_llm_tutorial.cpp.functions import signature
from mlx_llm_tutorial.cpp.source import Source
from mlx_llm_tutorial.cpp.tokens import SourceError, place, tokenize


def words(text):
    return [token.text for token in tokenize(text)]


def function(text, name="f"):
    return signature(text, Source(text).function(name)[0])


def generated(text, exports=("f",), kind="module", headers={}, macros=()):
    source = Source(text, kind)
    return generate.module_text(source, exports, headers, macros)


def refused(text, **options):
    with pytest.raises(SourceError) as error:
        generated(text, **options)
    return str(error.value)


# --- tokens ------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, expected",
    [
        ("a /* { */ b // }\nc", ["a", "b", "c"]),
        ("// a \\\n still\nb", ["b"]),
        ('"a\\"{" + x', ['"a\\"{"', "+", "x"]),
        ('R"(a "{)" u8R"--(x)")--" y', ['R"(a "{)"', 'u8R"--(x)")--"', "y"]),
        ("'{' L'\\'' 1'000'000u 1e-5f .5", None),
        ("a::b->c && d", ["a", "::", "b", "->", "c", "&&", "d"]),
        ("#define X \\\n  {\nint y;", ["#define X \\\n  {", "int", "y", ";"]),
        ("größe = 1;", ["größe", "=", "1", ";"]),
    ],
)
def test_tokens(text, expected):
    assert words(text) == (expected or text.split())


@pytest.mark.parametrize(
    "text, message, where",
    [
        ("int f() { return 1;", "expected a '}' for this '{'", (1, 9)),
        ("int f() { return (1;\n}", "expected ')' but received '}'", (2, 1)),
        ("int f() {}\n}", "nothing open but received '}'", (2, 1)),
        ("f();\n/* a", "the end of this comment", (2, 1)),
        ('auto s = "abc;\n', "the end of this text", (1, 10)),
    ],
)
def test_text_that_does_not_end(text, message, where):
    with pytest.raises(SourceError, match=re.escape(message)) as error:
        Source(text)
    assert place(text, error.value.offset) == where


# --- functions ---------------------------------------------------------------


@pytest.mark.parametrize(
    "parameters, expected",
    [
        ("", []),
        ("void", []),
        ("const mx::array& q", [("const mx::array&", "q", "")]),
        (
            "int n = 3, bool b=false",
            [("int", "n", "3"), ("bool", "b", "false")],
        ),
        ("std::map<int, float> m", [("std::map<int, float>", "m", "")]),
        (
            "std::function<int(int, int)> g",
            [("std::function<int(int, int)>", "g", "")],
        ),
        ("mx::array", [("mx::array", "", "")]),
        ("unsigned int", [("unsigned int", "", "")]),
        ("const Linear&", [("const Linear&", "", "")]),
        ("[[maybe_unused]] int n", [("int", "n", "")]),
        ("int n = (1 << 4)", [("int", "n", "(1 << 4)")]),
        ("Config c = {.a = 1, .b = 2}", [("Config", "c", "{.a = 1, .b = 2}")]),
        ("int a, // the first\n int b", [("int", "a", ""), ("int", "b", "")]),
        ("mx::array&& x", [("mx::array&&", "x", "")]),
        ("struct S s", [("struct S", "s", "")]),
        ('std::string s = "a, b)"', [("std::string", "s", '"a, b)"')]),
    ],
)
def test_parameters(parameters, expected):
    found = function(f"int f({parameters}) {{ return 0; }}").parameters
    found = [(p.type, p.name, p.default) for p in found]
    assert found == expected


@pytest.mark.parametrize(
    "head, returns, trailing",
    [
        ("static inline mx::array f(int n)", "mx::array", ""),
        ("auto f(int n) -> mx::array", "auto", "-> mx::array"),
        ("[[nodiscard]] const std::vector<int>& f() noexcept", None, ""),
        ("constexpr std::pair<int, int> f()", "std::pair<int, int>", ""),
        ('extern "C" int f()', "int", ""),
        ("struct S f()", "struct S", ""),
        ("decltype(1 + 1) f()", "decltype(1 + 1)", ""),
    ],
)
def test_return_types(head, returns, trailing):
    found = function(head + " { }")
    assert found.returns == (returns or "const std::vector<int>&")
    assert found.trailing == trailing


def test_what_is_at_the_top_level():
    text = """
    struct Linear { int f() { return 1; } };
    enum class Kind { a, b };
    namespace inner { int hidden() { return 1; } }
    int Linear_count = 0;
    auto square = [](int x) { return x * x; };
    int declared(int x);
    int Linear::out() { return 1; }
    bool operator==(const Linear&, const Linear&) { return true; }
    template <typename T> T half(T x) { return x / 2; }
    int (*pointer)(int) = nullptr;
    mx::array weight(3);
    int f(int x) { if (x) { return g(x); } return 0; }
    """
    found = Source(text).found
    assert [f.name for f in found.functions] == ["half", "f"]
    assert found.types == ["Linear", "Kind"]
    assert found.variables == ["square"]


@pytest.mark.parametrize(
    "text, message",
    [
        ("template <typename T> T f(T x) { return x; }", "'f' is a template"),
        ("int f(auto x) { return x; }", "'f' is a template"),
        ("int f(int x[3]) { return 0; }", "use std::vector for an array"),
        ("int f(int (*g)(int)) { return 0; }", "std::function for a function"),
        ("int f(int x, ...) { return 0; }", "expected a parameter such as"),
        ("int f(int n = 1 < 2) { return 0; }", "into parentheses"),
        ("struct f { int x; };", "'f' is a type; bind it in the cell"),
        ("auto f = [] { return 1; };", "'f' is a variable"),
        ("int ff() { return 1; }", "did you mean 'ff'"),
        ("int g() { return 1; }", "Functions here: g."),
        ("namespace n { int f() { return 1; } }", "Functions here: none."),
        ("auto f(int) { return 1; } auto f(float) { return 1; }", "auto"),
        ("int main() { return 0; }", "no main() here"),
        ("#if 1\n#include <map>\n#endif\nint f() { return 0; }", "outside of"),
    ],
)
def test_exports_that_are_refused(text, message):
    assert message in refused(text)


def test_what_is_not_exported_may_be_anything():
    text = "int g(int x[3], ...) { return 0; } int f() { return 0; }"
    assert 'm.def("f"' in generated(text)


def test_a_program_needs_main():
    with pytest.raises(SourceError, match="expected `int main"):
        Source("int f() { return 0; }", "main")


# --- what is compiled --------------------------------------------------------


def test_bindings_have_names_and_defaults():
    text = "int f(int a, mx::array, Config c = {1}, int n = 2) { return 0; }"
    assert (
        'm.def("f", &v@KEY@::f, nb::arg("a"), nb::arg(), nb::arg("c") = '
        '(std::remove_cvref_t<Config>{1}), nb::arg("n") = (2), '
        "nb::call_guard<notebook::Flush>());" in generated(text)
    )


def test_overloads_are_chosen_by_type():
    text = "int f(int x) { return x; }\nauto f(float y) -> float { return y; }"
    out = generated(text)
    assert "static_cast<int (*)(int x) >(&v@KEY@::f)" in out
    assert "static_cast<auto (*)(float y) -> float>(&v@KEY@::f)" in out


def test_includes_are_lifted_and_lines_kept():
    text = 'int a = 1;\n#include <map>\n  #  include "m.hpp" // why\nint f() {}'
    out = generated(text, headers={"m.hpp": "/cache/1/m.hpp"})
    top, body = out.split("inline namespace v@KEY@ {\n")
    assert '#line 3 "@CELL@"\n#include <map>\n' in top
    assert '#line 4 "@CELL@"\n#include "/cache/1/m.hpp"\n' in top
    assert body.startswith('#line 2 "@CELL@"\nint a = 1;\n\n\nint f() {')


def test_the_library_is_visible_and_has_its_macros():
    out = generated(
        '#include "llm/nn/linear.h"\nint f() { return 0; }',
        macros=("LLM_KERNELS", "N=3"),
    )
    assert "#define LLM_KERNELS\n#define N 3\n" in out
    assert (
        '#pragma GCC visibility push(default)\n#line 2 "@CELL@"\n'
        '#include "llm/nn/linear.h"\n#pragma GCC visibility pop\n' in out
    )


def test_a_program_stays_as_it_is():
    text = "#include <map>\nint main() { while (true) {} }\n"
    out = generate.program_text(Source(text, "main"), {}, ())
    assert out.endswith(f'#line 2 "@CELL@"\n{text}\n')
    assert "namespace" not in out


# --- loops -------------------------------------------------------------------

CHECK = " if (::check_interrupt(); false) {} else"


@pytest.mark.parametrize(
    "loop",
    [
        "while (x)@ { f(); }",
        "while (x)@ y = 1;",
        "do@ { y = 1; } while (x);",
        "for (;;)@ { y = 1; }",
        "for (int i = 0;; ++i)@ y = 1;",
        "for (int i = 0; i < n; ++i)@ { step(i); }",
        "for (int i = 0; i < n; ++i)@ for (int j = 0; j < n; ++j) y += i * j;",
        "for (auto& x : list)@ train(x);",
        "if (a) while (b)@ c(); else d();",
        "for (int i = 0; i < n; ++i) y += float(i) * static_cast<float>(x[i]);",
        "for (int i = 0; i < n; ++i) { y += x[i]; } f();",
        'x = "while (1) {}"; /* while (1) {} */',
    ],
)
def test_loops_look_for_an_interrupt(loop):
    text = f"void f() {{ {loop.replace('@', '')} }}"
    expected = f"void f() {{ {loop.replace('@', CHECK)} }}"
    assert Source(text).rewritten({}) == expected


def test_columns_are_the_learners():
    text = 'void f() { auto s = "é"; while (a) b = c; }\n'
    source = Source(text)
    line = source.rewritten({}).split("\n")[0]
    for word in ("auto", "while", "b =", "c;"):
        column = len(line[: line.index(word)].encode()) + 1
        assert source.column(2, column) == text.index(word) + 1
