# SPDX-License-Identifier: MIT
"""Chat templates against Python's jinja2, set up as transformers sets it up.

The templates here are ours, with the constructs that the families' templates
have. Conversations that a template refuses must be refused by both.
"""

import copy
import datetime
import functools
import itertools
import json
import os
import random
import subprocess
from pathlib import Path

import pytest

jinja2 = pytest.importorskip("jinja2")
from chat_cases import EXPRESSIONS, TEMPLATES, WRONG  # noqa: E402
from jinja2 import ext, sandbox  # noqa: E402

NOW = 1_700_000_000


@functools.lru_cache
def compiled(template):
    """transformers.utils.chat_template_utils: the same environment."""

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, indent=None, separators=None, sort_keys=False):
        return json.dumps(
            x,
            ensure_ascii=False,
            indent=indent,
            separators=separators,
            sort_keys=sort_keys,
        )

    def strftime_now(text):
        return datetime.datetime.fromtimestamp(NOW).strftime(text)

    environment = sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[ext.loopcontrols]
    )
    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = strftime_now
    return environment.from_string(template)


class Tool:
    def __init__(self):
        folder = os.environ.get("LLM_TEST_TOOLS")
        if not folder or not (Path(folder) / "chat_tool").is_file():
            pytest.fail(
                "expected the built test tools in LLM_TEST_TOOLS; build them "
                "with: cmake --build BUILD_FOLDER --target chat_tool",
                pytrace=False,
            )
        self.process = subprocess.Popen(
            [str(Path(folder) / "chat_tool")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __call__(self, template, variables):
        known = ("messages", "add_generation_prompt", "bos_token", "eos_token")
        request = {k: v for k, v in variables.items() if k in known}
        request["extra"] = {
            k: v for k, v in variables.items() if k not in known
        }
        request.update(template=template, now=NOW)
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@pytest.fixture(scope="module")
def tool():
    tool = Tool()
    yield tool
    tool.process.stdin.close()
    tool.process.wait(timeout=10)


def conversations(count):
    """Every order of up to four roles, then longer ones; odd contents."""
    rng = random.Random(20260101)
    contents = [
        "Hi",
        "",
        " two\n\nlines \n",
        "ç 日本語 👍🏽\u200d \t'\"<>&\\ {{ x }} {% y %}",
        "<think>\nwhy\n</think>\n\nbecause",
        "\u2028 a\u00a0",
    ]
    roles = ["system", "user", "assistant"]

    def message(role):
        return {"role": role, "content": rng.choice(contents)}

    out = [[]]
    for n in range(1, 5):
        for order in itertools.product(roles, repeat=n):
            out.append([message(role) for role in order])
    while len(out) < count:
        turns = [message(r) for r in ["user", "assistant"] * rng.randint(1, 6)]
        if rng.random() < 0.5:
            turns.insert(0, message("system"))
        out.append(turns[: rng.randint(1, len(turns))])
    return out


CONVERSATIONS = conversations(160)


def both(tool, template, variables):
    """(theirs, ours); None for a refusal."""
    try:
        theirs = compiled(template).render(**copy.deepcopy(variables))
    except Exception:
        theirs = None
    ours = tool(template, variables)
    if "error" in ours:
        assert ours["error"].startswith("[chat template] line "), ours
    return theirs, ours.get("text")


@pytest.mark.parametrize("name", TEMPLATES)
def test_conversations(tool, name):
    rendered = refused = 0
    for messages in CONVERSATIONS:
        for prompt in (False, True):
            variables = {
                "messages": messages,
                "add_generation_prompt": prompt,
                "bos_token": "<s>",
                "eos_token": "</s>",
                "tools": None,
            }
            theirs, ours = both(tool, TEMPLATES[name], variables)
            assert ours == theirs, messages
            rendered += theirs is not None
            refused += theirs is None
    assert rendered > 40 and rendered + refused == 2 * len(CONVERSATIONS)


VARIABLES = {
    "messages": [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "Two 2"},
        {"role": "tool", "content": {"b": [1, 2.5, None], "a": "é\n\"'"}},
    ],
    "words": ["b", "A", "c", "a", "B"],
    "numbers": [3, 1, 2, -7, 0],
    "table": {"z": 1, "a": {"items": [1], "deep": {"x": "y"}}, "M": True},
    "text": "  Straße ñandú 日本 \n",
    "empty": "",
    "nothing": None,
    "pi": 3.25,
    "big": 2**40,
}


@pytest.mark.parametrize("template", EXPRESSIONS)
def test_expressions(tool, template):
    theirs, ours = both(tool, template, VARIABLES)
    assert theirs is not None
    assert ours == theirs


@pytest.mark.parametrize("template", WRONG)
def test_wrong_templates(tool, template):
    theirs, ours = both(tool, template, VARIABLES)
    assert theirs is None
    assert ours is None


def test_white_space(tool):
    # Every way to put signs at tags, with and without text around them.
    rng = random.Random(7)
    tags = ["{%@ if true @%}", "{%@ endif @%}", "{{@ 1 @}}", "{#@ c @#}"]
    spaces = ["", " ", "\n", "\n  ", "x", " x \n", "\t\n\n ", "\r\n", "\u00a0"]
    for _ in range(1000):
        text = ""
        for part in ["", tags[0], rng.choice(tags[2:]), tags[1]]:
            for _ in range(2):
                part = part.replace("@", rng.choice(["", "-", "+", ""]), 1)
            if part.endswith("+}}") or part.startswith("{{+"):
                part = "{{ 1 }}"
            text += part + "".join(rng.choices(spaces, k=rng.randint(0, 3)))
        theirs, ours = both(tool, text, {"messages": []})
        assert ours == theirs, text
