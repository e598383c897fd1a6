# SPDX-License-Identifier: MIT
"""Makes loops listen to Ctrl-C: each turn of a loop begins with a look whether
the reader wants to stop. A `for` loop whose body is plain arithmetic (no loop,
no call but sqrt, exp and the like) stays as it is, because the compiler turns
such loops into SIMD.

    while (x) f();   becomes   while (x) if (::check_interrupt(); false) {} else f();

which needs no search for the end of the body, and takes no `else` from others.
Not seen: loops inside macros, and an empty `while (x);`.
"""

CHECK = " if (::check_interrupt(); false) {} else"
# Words before "(" that call nothing.
NO_CALLS = "if for while switch return sizeof catch decltype constexpr".split()
NO_CALLS += "bool char int long float double unsigned size_t".split()
# Those of <cmath> and <algorithm> that are over at once.
NO_CALLS += "abs fabs sqrt cbrt exp exp2 expm1 log log2 log10 log1p pow".split()
NO_CALLS += "sin cos tan asin acos atan atan2 sinh cosh tanh erf erfc".split()
NO_CALLS += "fma floor ceil round trunc fmod min max clamp".split()


def interrupt_checks(tokens, pairs):
    """[(offset, text to insert)] in the order of the text."""
    edits = []
    for index, token in enumerate(tokens):
        end = body_start(tokens, pairs, index)
        if end is not None:
            edits.append((tokens[end - 1].end, CHECK))
    return edits


def body_start(tokens, pairs, index):
    """The index of the first token of the body, if this is a loop to check."""
    if tokens[index].kind != "word" or index + 1 >= len(tokens):
        return None
    if tokens[index].text == "do":
        return index + 1
    if tokens[index].text not in ("while", "for") or index + 1 not in pairs:
        return None
    start = pairs[index + 1] + 1
    if start >= len(tokens) or tokens[start].text == ";":
        return None  # while (x); also ends a do-loop
    if tokens[index].text == "for":
        if is_bounded(tokens, index + 1, pairs[index + 1]):
            if is_plain(tokens, pairs, start):
                return None
    return start


def is_bounded(tokens, opening, end):
    """False for `for (;;)` and `for (;; ++i)`."""
    inside = [t.text for t in tokens[opening + 1 : end]]
    if ";" not in inside:
        return True  # for (x : list)
    condition = inside[inside.index(";") + 1 :]
    return condition[:1] not in ([";"], ["true"], ["1"])


def is_plain(tokens, pairs, start):
    end = pairs.get(start) if tokens[start].text == "{" else None
    index = start
    while index < len(tokens) and index != end:
        token, after = tokens[index], tokens[min(index + 1, len(tokens) - 1)]
        if end is None and token.text == ";":
            break
        if token.text in ("for", "while", "do"):
            return False
        if after.text == "(" and token.kind == "word":
            if token.text not in NO_CALLS:
                return False
        index += 1
    return True
