# SPDX-License-Identifier: MIT
"""What the notebooks share: a short mode for tests (FAST=1), models that may be
missing, exercises that say right or not yet, sliders, and how much a cell took.
"""

import functools
import io
import os
import resource
import sys
import time
import traceback

FAST = os.environ.get("FAST") == "1"


def pick(full, fast):
    """`full`, or with FAST=1 the `fast` value: steps, sizes, rounds."""
    return fast if FAST else full


def model(name="smollm2"):
    """The usable model of this name. Where it is missing and cannot be fetched,
    says which command fetches it and gives the one trained last, or SmolLM2."""
    import mlx_llm_tutorial as llm

    errors = []
    for choice in dict.fromkeys([name, "smollm2", ""]):  # "": models/latest
        try:
            found = llm.load_for_use(choice)
        except llm.InputError as error:
            errors.append(str(error))
            continue
        if errors:
            print(f"{name} is not here: {errors[0]}")
            print(f"With a network, this fetches it: {fetch_command(name)}")
            print(f"We go on with {found.path.name}.")
        return found
    raise llm.InputError(errors[0])


def model_for(text, name="smollm2"):
    """model(name), if it can read this text. If there is none, or only one that
    lacks some of the characters, a small new model that knows the characters
    and no words: everything works with it, but its answers are noise."""
    import mlx_llm_tutorial as llm

    try:
        found = model(name)
        found.tokenizer.encode(text)
        return found
    except llm.InputError as error:
        print(f"No model here reads this text: {error}")
    print(f"With a network, this fetches one: {fetch_command(name)}")
    print("We go on with a small new model: its answers are noise.")
    tokenizer = llm.CharTokenizer.train(text + "\n")
    shape = llm.ModelShape(
        architecture="llama", layers=2, heads=4, kv_heads=2, width=64
    )
    small = llm.make_model(llm.model_config(shape, len(tokenizer), 1024))
    small.initialize(1)
    folder = llm.tutorial_home() / "cache" / "small-model"
    llm.save_model_folder(folder, small, tokenizer)
    return llm.load_for_use(str(folder))


def fetch_command(name):
    return f'./tutorial run generate --model {name} --prompt "Hello"'


def exercise(check):
    """Makes a checker of a function that asserts. Called with the learner's
    answer it prints "right" or what is missing, and returns which it was: a
    notebook goes on either way. The function's docstring is shown when it is
    right."""

    @functools.wraps(check)
    def checked(answer, *more):
        if answer is None or answer is ...:
            print(f"not yet: {check.__name__}: the cell above has no answer.")
            return False
        try:
            check(answer, *more)
        except AssertionError as error:
            print(f"not yet: {check.__name__}: {error}")
            return False
        except Exception as error:  # the learner's code may do anything
            line = traceback.extract_tb(error.__traceback__)[-1].lineno
            name = type(error).__name__
            print(f"not yet: {check.__name__}: line {line}: {name}: {error}")
            return False
        print(f"right: {check.__doc__ or check.__name__}")
        return True

    return checked


def sliders(draw, **choices):
    """Controls above the figure that draw(**values) returns: a slider for a
    range (low, high) or (low, high, start), a menu for a list, a field for a
    text. Without ipywidgets a line says what to do instead."""
    try:
        import ipywidgets as widgets
    except ModuleNotFoundError:
        names = ", ".join(choices)
        print(f"pip install ipywidgets puts sliders here, for {names}.")
        print("Until then: call the function above with other values.")
        return
    controls = {k: control(widgets, k, c) for k, c in choices.items()}
    # Not interact(): its Output widget makes nbclient 0.11 miss replies.
    picture, message = widgets.Image(), widgets.Label()

    def show(_=None):
        values = {name: c.value for name, c in controls.items()}
        try:
            picture.value = png(draw(**values))
            message.value = ""
        except Exception as error:  # else only a log would have it
            message.value = f"{type(error).__name__}: {error}"

    for one in controls.values():
        one.observe(show, "value")
    show()
    from IPython.display import display

    display(widgets.VBox([*controls.values(), message, picture]))


def png(figure):
    out = io.BytesIO()
    figure.savefig(out, format="png", bbox_inches="tight")
    return out.getvalue()


def control(widgets, name, choice):
    look = {"description": name.replace("_", " ")}
    if isinstance(choice, list):
        return widgets.Dropdown(options=choice, **look)
    look["continuous_update"] = False  # a figure takes a moment
    if isinstance(choice, str):
        return widgets.Text(value=choice, **look)
    low, high, *start = choice
    look |= {"min": low, "max": high, "value": start[0] if start else low}
    if all(isinstance(x, int) for x in choice):
        return widgets.IntSlider(**look)
    return widgets.FloatSlider(step=(high - low) / 100, **look)


class Took:
    """with Took("training"): ... prints seconds and the process's peak memory."""

    def __init__(self, what):
        self.what = what

    def __enter__(self):
        self.begin = time.perf_counter()
        return self

    def __exit__(self, *_):
        self.seconds = time.perf_counter() - self.begin
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        peak *= 1 if sys.platform == "darwin" else 1024  # bytes, or KiB
        print(f"{self.what}: {self.seconds:.1f} s, peak {peak / 1e6:.0f} MB")
