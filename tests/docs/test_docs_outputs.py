# SPDX-License-Identifier: MIT
"""When an output counts as the one that a page shows."""

import outputs
import pytest

SAME = [
    ("", ""),
    ("a", "a\n\n"),
    ("loss 1.00", "loss 1.019"),
    ("1,000 tokens", "1010 tokens"),
    ("-3.5e-3", "-0.00351"),
    ("a   b", "a b  "),
    ("  [1, 2]", "[1,  2]"),
    ("nan inf -inf", "nan inf -inf"),
    ("...", ""),
    ("...", "a\nb"),
    ("a\n...\nd", "a\nb\nc\nd"),
    ("a\n...\nd", "a\nd\nc\nd"),
    ("...\nb\n...", "a\nb\nb\nc"),
    ("MLX 0.32.4", "MLX 0.32.4"),
    ("q4_0 fp32", "q4_0 fp32"),
    ("10 %", "10.1 %"),
]
OTHER = [
    ("a", "b"),
    ("a", ""),
    ("", "a"),
    ("a", "a\nb"),
    ("a\nb", "a"),
    ("loss 1.00", "loss 1.03"),
    ("loss 1.00", "los 1.00"),
    ("(2, 3)", "(3, 2)"),
    ("(2, 3)", "(2, 3, 1)"),
    ("1,000 tokens", "1100 tokens"),
    ("-1.5", "1.5"),
    ("0", "1"),
    ("nan", "1"),
    ("MLX 0.32.4", "MLX 0.32.5"),
    ("q4_0", "q8_0"),
    ("fp32", "fp16"),
    ("a\n...\nd", "a\nb\nc"),
    ("a\n...\nb\nc", "a\nb\nx\nc"),
    ("a ... b", "a 1 b"),
]


@pytest.mark.parametrize("shown, said", SAME)
def test_the_same(shown, said):
    assert outputs.compare(shown, said) is None


@pytest.mark.parametrize("shown, said", OTHER)
def test_another(shown, said):
    assert outputs.compare(shown, said) is not None


def test_tolerance_is_what_the_page_says():
    assert outputs.compare("10 ms", "14 ms", rel=0.2)
    assert not outputs.compare("10 ms", "12 ms", rel=0.2)


def test_a_shape_is_all_but_the_numbers():
    assert not outputs.compare("step 1: 4.17", "step 900: -0.2", shape=True)
    assert outputs.compare("step 1: 4.17", "step 1: 4.17 !", shape=True)
    assert outputs.compare("step 1: 4.17", "step 1:", shape=True)


def test_where_it_differs():
    index, what = outputs.compare("a\nb 1\nc", "a\nb 2\nc")
    assert index == 1
    assert what == "expected 'b 1' but received 'b 2'"
    index, what = outputs.compare("a\n...\nz", "a\nb")
    assert index == 2 and what == "expected 'z' but received the end"
    index, what = outputs.compare("a", "a\nb")
    assert index == 1 and what == "expected the end but received 'b'"


def test_what_a_terminal_leaves():
    assert outputs.cleaned("\x1b[1mbold\x1b[0m  \r\n10 %\r100 %\n") == (
        "bold\n100 %\n"
    )
    assert outputs.cleaned("50 %\r100 %\r") == "100 %"


def test_long_outputs_lose_their_middle():
    said = "".join(f"{n}\n" for n in range(100))
    text = outputs.for_page(said)
    assert text.count("\n") == 61 and "\n29\n...\n70\n" in text
    assert outputs.compare(text, said) is None
    assert outputs.for_page("a\n\n") == "a\n"
