# SPDX-License-Identifier: MIT
"""What the plots accept: anything numpy.asarray takes, with a shape that is
said in letters. What does not fit is a ValueError of one line."""

import re
import sys

import numpy as np


def fail(where, expected, received, todo=""):
    end = f"; {todo}." if todo else "."
    raise ValueError(
        f"[{where}] expected {expected} but received {received}{end}"
    )


def shape_text(shape):
    return "[" + ", ".join(str(n) for n in shape) + "]"


def numbers(where, name, value):
    """The value as a NumPy array of floats, of any shape."""
    if str(getattr(value, "dtype", "")) == "mlx.core.bfloat16":
        value = value.astype(sys.modules["mlx.core"].float32)  # NumPy has none
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        fail(where, f"numbers as {name}", "lists of different lengths")
    if array.dtype.kind not in "fiub":
        fail(where, f"numbers as {name}", describe(value, array))
    kind = np.float64 if array.dtype.kind != "f" else array.dtype
    return array.astype(np.promote_types(kind, np.float32), copy=False)


def describe(value, array):
    if value is None or array.dtype.kind == "O":
        return type(value).__name__
    if array.dtype.kind in "US":
        return "text"
    return f"{array.dtype} {shape_text(array.shape)}"


def array(where, name, value, *shapes, low=None, high=None, slack=1e-3):
    """`numbers` of one of the shapes, e.g. "[H, T, T]": equal letters are equal
    sizes, none is 0. All are finite and from low to high, up to `slack`."""
    found = numbers(where, name, value)
    if not any(fits(found.shape, shape) for shape in shapes):
        wanted = f"{name} {' or '.join(shapes)}"
        fail(where, wanted, shape_text(found.shape))
    wrong = ~np.isfinite(found)
    wanted = f"finite {name}"
    if low is not None:
        wrong |= found < low - slack
        wanted = f"{name} of at least {low:g}"
    if high is not None:
        wrong |= found > high + slack
        wanted = f"{name} from {low:g} to {high:g}"
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        fail(where, wanted, f"{found[at]:g} at {shape_text(at)}")
    return found


def fits(shape, wanted):
    letters = re.findall(r"\w+", wanted)
    sizes = {word: int(word) for word in letters if word.isdigit()}
    return len(letters) == len(shape) and all(
        n > 0 and sizes.setdefault(letter, n) == n
        for letter, n in zip(letters, shape)
    )


def texts(where, name, value, n):
    """A list of n tokens or names (str or bytes); a string is its letters."""
    try:
        found = list(value)
    except TypeError:
        fail(where, f"{n} {name}", type(value).__name__)
    if isinstance(value, bytes):
        found = [value[i : i + 1] for i in range(len(value))]
    if len(found) != n:
        fail(where, f"{n} {name}", len(found))
    return [x if isinstance(x, (str, bytes)) else str(x) for x in found]


def one_of(where, name, value, choices):
    if value not in choices:
        fail(where, f"{name} {' or '.join(map(repr, choices))}", repr(value))
    return value


def mapping(where, name, value):
    """A dict with something in it."""
    if not hasattr(value, "items"):
        fail(where, f"a dict of {name}", type(value).__name__)
    if not value:
        fail(where, f"a dict of {name}", "an empty one")
    return {str(key): item for key, item in value.items()}
