# SPDX-License-Identifier: MIT
"""Whatever a random model writes under a random JSON schema is JSON of that
schema. The check of values is this file's own."""

import json
import random

import pytest
from generate_runs import said, write_model

TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
}
KEYS = ["a", "name", "größe", 'quo"te', "x y", "😀"]


def schema(rng, depth=2):
    kinds = "string integer number boolean null enum any bounded".split()
    if depth > 0:
        kinds += ["array", "object", "object", "anyOf", "types"]
    kind = rng.choice(kinds)
    if kind == "bounded":
        low = rng.randrange(3)
        return {
            "type": "string",
            "minLength": low,
            "maxLength": low + rng.randrange(6),
        }
    if kind == "enum":
        values = ["é", 'a"\\b', 7, 1.5, None, True, [1, {"k": "v"}]]
        return {"enum": rng.sample(values, 3)}
    if kind == "any":
        return rng.choice([True, {}, {"type": ["integer", "null"]}])
    if kind == "anyOf":
        return {"anyOf": [schema(rng, depth - 1) for _ in range(2)]}
    if kind == "types":
        return {"type": ["string", "null"], "maxLength": 4}
    if kind == "array":
        low = rng.randrange(3)
        return {
            "type": "array",
            "items": schema(rng, depth - 1),
            "minItems": low,
            "maxItems": low + rng.randrange(3),
        }
    if kind == "object":
        keys = rng.sample(KEYS, rng.randrange(1, 5))
        return {
            "type": "object",
            "properties": {k: schema(rng, depth - 1) for k in keys},
            "required": rng.sample(keys, rng.randrange(len(keys) + 1)),
            "additionalProperties": False,
        }
    return {"type": kind}


def is_type(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def fits(value, s):
    if s is True or s == {}:
        return True
    if "enum" in s:
        return any(value == v and isinstance(value, type(v)) for v in s["enum"])
    if "anyOf" in s:
        return any(fits(value, one) for one in s["anyOf"])
    types = s["type"] if isinstance(s["type"], list) else [s["type"]]
    if not any(is_type(value, t) for t in types):
        return False
    if isinstance(value, str):
        return s.get("minLength", 0) <= len(value) <= s.get("maxLength", 1e9)
    if isinstance(value, list):
        low, high = s.get("minItems", 0), s.get("maxItems", 1e9)
        items = s.get("items", True)
        return low <= len(value) <= high and all(fits(v, items) for v in value)
    if isinstance(value, dict):
        known = s.get("properties", {})
        return set(s.get("required", [])) <= set(value) <= set(known) and all(
            fits(v, known[k]) for k, v in value.items()
        )
    return True


def unique(pairs):
    assert len({k for k, _ in pairs}) == len(pairs), pairs
    return dict(pairs)


@pytest.mark.parametrize("seed", range(12))
def test_outputs_follow_random_schemas(tmp_path_factory, tmp_path, seed):
    model = tmp_path_factory.getbasetemp() / "json-model"
    if not model.exists():  # unsure of everything: writes any token
        write_model(model, context=1024, scale=0.02)
    rng = random.Random(seed)
    prompts = tmp_path / "prompts.json"
    prompts.write_text(json.dumps(["a", "Zoë", "The cat", "12"]))
    finished = 0
    for number in range(3):
        wanted = schema(rng)
        file = tmp_path / "schema.json"
        file.write_text(json.dumps(wanted))
        args = ["--model", model, "--prompts", prompts, "--json-schema", file]
        args += ["--max-tokens", 300, "--seed", 100 * seed + number]
        for result in said(*args)["results"]:
            if result["finish_reason"] == "length":
                continue
            finished += 1
            text = result["text"]
            assert "\ufffd" not in text
            keep = isinstance(wanted, dict) and "properties" in wanted
            hook = unique if keep else None
            value = json.loads(text, object_pairs_hook=hook)
            assert fits(value, wanted), (wanted, text)
    assert finished >= 4
