# SPDX-License-Identifier: MIT
"""Draws the diagrams of shapes into public/docs/figures.

shapes.py [NAME...]         all, or those named
shapes.py --check           exit 1 when a file is not what would be drawn
"""

import pathlib
import sys

from diagrams import attention, model, writing

FOLDER = pathlib.Path(__file__).resolve().parents[3] / "public/docs/figures"

DIAGRAMS = {
    "overview": model.overview,
    "context": model.context,
    "windows": model.windows,
    "attention-head": attention.attention_head,
    "heads": attention.heads,
    "mask": attention.mask,
    "block": model.block,
    "rope": attention.rope,
    "kv-cache": attention.kv_cache,
    "sampler-chain": writing.sampler_chain,
    "encoder-decoder": model.encoder_decoder,
    "looking-inside": model.looking_inside,
    "lora": writing.lora,
}


def main(arguments):
    check = "--check" in arguments
    names = [a for a in arguments if a != "--check"] or list(DIAGRAMS)
    unknown = [name for name in names if name not in DIAGRAMS]
    if unknown:
        print(
            f"[shapes] expected {', '.join(DIAGRAMS)} but received "
            f"{unknown[0]}.",
            file=sys.stderr,
        )
        return 2
    FOLDER.mkdir(parents=True, exist_ok=True)
    old = []
    for name in names:
        file, drawn = FOLDER / f"{name}.svg", DIAGRAMS[name]().file()
        if check and (not file.is_file() or file.read_text() != drawn):
            old.append(file.name)
        elif not check:
            file.write_text(drawn)
    if old:
        print(
            f"[shapes] expected {', '.join(old)} as shapes.py draws them; run: "
            "python3 scripts/docs/figures/shapes.py",
            file=sys.stderr,
        )
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
