# SPDX-License-Identifier: MIT
"""The tokenizer pipelines of the model families, as their files have them."""

from tokenizer_texts import LLAMA3_PATTERN, SPECIAL

QWEN_PATTERN = LLAMA3_PATTERN.replace(r"\p{N}{1,3}", r"\p{N}")
UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
TEKKEN_PATTERN = (  # Mistral since Nemo
    rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+|"
    rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*|"
    r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def byte_level(use_regex=True, prefix=False):
    return {
        "type": "ByteLevel",
        "add_prefix_space": prefix,
        "trim_offsets": True,
        "use_regex": use_regex,
    }


def sequence(key, *steps):
    return {"type": "Sequence", key: list(steps)}


def split(pattern, behavior="Isolated", kind="Regex", invert=False):
    return {
        "type": "Split",
        "pattern": {kind: pattern},
        "behavior": behavior,
        "invert": invert,
    }


def replace(old, new):
    return {"type": "Replace", "pattern": {"String": old}, "content": new}


def metaspace(scheme, split):
    return {
        "type": "Metaspace",
        "replacement": "▁",
        "prepend_scheme": scheme,
        "split": split,
    }


def template(*names, after=()):
    def special(name):
        return {"SpecialToken": {"id": name, "type_id": 0}}

    text = {"Sequence": {"id": "A", "type_id": 0}}
    return {
        "type": "TemplateProcessing",
        "single": [*map(special, names), text, *map(special, after)],
        "pair": [text, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {n: {"id": n} for n in (*names, *after)},
    }


def split_then_bytes(*splits):
    return sequence("pretokenizers", *splits, byte_level(use_regex=False))


PREPEND = {"type": "Prepend", "prepend": "▁"}
SPACES = replace(" ", "▁")
PIECES = [replace("▁", " "), {"type": "ByteFallback"}, {"type": "Fuse"}]
STRIP = {"type": "Strip", "content": " ", "start": 1, "stop": 0}
FALLBACK = {"byte_fallback": True, "fuse_unk": True, "unk_token": "<unk>"}
PIECE_SPECIAL = ["<unk>", "<s>", "</s>"]

# name -> special tokens, parts of tokenizer.json, the model's options
FAMILIES = {
    "gpt2": (
        SPECIAL,
        {"pre_tokenizer": byte_level(), "post_processor": byte_level()},
        {},
    ),
    "gpt2-prefix-space": (
        SPECIAL,
        {"pre_tokenizer": byte_level(prefix=True)},
        {},
    ),
    "smollm2": (
        SPECIAL,
        {
            "pre_tokenizer": sequence(
                "pretokenizers",
                {"type": "Digits", "individual_digits": True},
                byte_level(),
            )
        },
        {},
    ),
    "digits-together": (
        SPECIAL,
        {
            "pre_tokenizer": sequence(
                "pretokenizers",
                {"type": "Digits", "individual_digits": False},
                byte_level(),
            )
        },
        {},
    ),
    "llama3": (
        SPECIAL,
        {
            "pre_tokenizer": split_then_bytes(split(LLAMA3_PATTERN)),
            "post_processor": sequence(
                "processors", byte_level(), template("<|endoftext|>")
            ),
        },
        {"ignore_merges": True},
    ),
    "qwen2": (
        SPECIAL,
        {
            "normalizer": {"type": "NFC"},
            "pre_tokenizer": split_then_bytes(split(QWEN_PATTERN)),
            "post_processor": byte_level(),
        },
        {},
    ),
    "mistral-tekken": (
        SPECIAL,
        {
            "pre_tokenizer": split_then_bytes(split(TEKKEN_PATTERN)),
            "post_processor": template("<|endoftext|>", after=["<|end|>"]),
        },
        {"ignore_merges": True},
    ),
    "o200k-removed": (
        SPECIAL,
        {
            "pre_tokenizer": split_then_bytes(
                split(TEKKEN_PATTERN, "Removed", invert=True)
            )
        },
        {},
    ),
    "llama2": (
        PIECE_SPECIAL,
        {
            "normalizer": sequence("normalizers", PREPEND, SPACES),
            "post_processor": template("<s>"),
            "decoder": sequence("decoders", *PIECES, STRIP),
        },
        FALLBACK,
    ),
    "mistral-metaspace": (
        PIECE_SPECIAL,
        {
            "pre_tokenizer": metaspace("first", False),
            "post_processor": template("<s>", after=["</s>"]),
            "decoder": sequence("decoders", *PIECES, STRIP),
        },
        FALLBACK,
    ),
    "metaspace-always": (
        PIECE_SPECIAL,
        {
            "pre_tokenizer": metaspace("always", True),
            "decoder": metaspace("always", True),
        },
        {"unk_token": "<unk>"},
    ),
    "metaspace-never": (
        PIECE_SPECIAL,
        {
            "pre_tokenizer": metaspace("never", True),
            "decoder": metaspace("never", True),
        },
        {"unk_token": "<unk>", "fuse_unk": True},
    ),
    "gemma": (
        PIECE_SPECIAL,
        {
            "normalizer": SPACES,
            "pre_tokenizer": split(" ", "MergedWithPrevious", "String"),
            "post_processor": template("<s>"),
            "decoder": sequence("decoders", *PIECES),
        },
        FALLBACK,
    ),
}
# Not a family: what else Split can do.
for behavior in ("MergedWithPrevious", "MergedWithNext", "Contiguous"):
    for invert in (False, True):
        FAMILIES[f"split-{behavior}-{invert}"] = (
            SPECIAL,
            {
                "pre_tokenizer": split_then_bytes(
                    split(r"\p{N}|(?=\p{Lu})|e", behavior, invert=invert)
                )
            },
            {},
        )
