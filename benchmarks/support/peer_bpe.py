# SPDX-License-Identifier: MIT
"""The time of tiktoken's and of Hugging Face's byte-pair encoding, from the
same tokenizer.json; prints what bpe_speed prints. bpe.py runs it.
"""

import argparse
import hashlib
import json
import pathlib
import sys
import time

# The words of a text, as tiktoken's own encodings write GPT-2's pattern: it
# means the same as the one in tokenizer.json and runs faster. SmolLM2 cuts
# every digit out first, and what is left by GPT-2's pattern; so a run of spaces
# before a digit ends a piece, and stays whole.
PATTERNS = {
    "gpt2": r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++"
    r"|\s++$|\s+(?!\S)|\s",
    "smollm2": r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++|\p{N}| ?[^\s\p{L}\p{N}]++"
    r"|\s++$|\s+(?![^\s\p{N}])|\s",
}


def bytes_of_letters():
    """GPT-2's alphabet: the letter that stands for each byte, inverted."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in printable]
    letters = {chr(b): b for b in printable}
    return letters | {chr(256 + i): b for i, b in enumerate(rest)}


def tiktoken_encode(args):
    import tiktoken

    data = json.loads(pathlib.Path(args.tokenizer).read_text())
    added = {token["content"]: token["id"] for token in data["added_tokens"]}
    letters = bytes_of_letters()
    ranks = {
        bytes(letters[c] for c in token): i
        for token, i in data["model"]["vocab"].items()
        if token not in added
    }
    encoding = tiktoken.Encoding(
        "ours",
        pat_str=PATTERNS[args.pattern],
        mergeable_ranks=ranks,
        special_tokens=added,
    )
    return encoding.encode_ordinary


def tokenizers_encode(args):
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(args.tokenizer)
    tokenizer.encode_special_tokens = True
    if args.fast:  # without the offsets
        return lambda text: tokenizer.encode_batch_fast([text])[0].ids
    return lambda text: tokenizer.encode(text).ids


def tokenizers_train(args):
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    def train(text):
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(
            add_prefix_space=False
        )
        trainer = trainers.BpeTrainer(
            vocab_size=args.vocab_size,
            special_tokens=["<|endoftext|>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        tokenizer.train_from_iterator([text], trainer)
        merges = json.loads(tokenizer.to_str())["model"]["merges"]
        return [" ".join(pair) for pair in merges]

    return train


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["tiktoken", "tokenizers", "train"])
    parser.add_argument("--text", required=True)
    parser.add_argument("--tokenizer")
    parser.add_argument("--pattern", choices=list(PATTERNS))
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--vocab-size", type=int)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    text = pathlib.Path(args.text).read_bytes().decode()
    make = {
        "tiktoken": tiktoken_encode,
        "tokenizers": tokenizers_encode,
        "train": tokenizers_train,
    }
    work = make[args.what](args)
    warm = args.what != "train" and work(text)
    seconds = []
    for _ in range(args.repeats):
        begin = time.perf_counter()
        out = work(text)
        seconds.append(time.perf_counter() - begin)
    assert args.what == "train" or out == warm
    digest = hashlib.sha256(",".join(map(str, out)).encode()).hexdigest()
    said = {"seconds": seconds, "tokens": len(out), "sha256": digest}
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    main()
