# SPDX-License-Identifier: MIT
"""Draws the diagrams of shapes into public/docs/figures.

shapes.py [NAME...]         all, or those named
shapes.py --check           exit 1 when a file is not what would be drawn
"""

import pathlib
import sys

from diagrams import attention, model, positions, views, writing

FOLDER = pathlib.Path(__file__).resolve().parents[3] / "public/docs/figures"

TOOL = "python3 scripts/docs/figures/shapes.py"

DIAGRAMS = {
    "overview": model.overview,
    "context": views.context,
    "windows": model.windows,
    "attention-head": attention.attention_head,
    "heads": attention.heads,
    "mask": attention.mask,
    "block": model.block,
    "rope": positions.rope,
    "kv-cache": positions.kv_cache,
    "sampler-chain": writing.sampler_chain,
    "encoder-decoder": views.encoder_decoder,
    "looking-inside": views.looking_inside,
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
    status = 0
    for name in names:
        file, drawn = FOLDER / f"{name}.svg", DIAGRAMS[name]().file()
        if not check:
            file.write_text(drawn, encoding="utf-8")
        elif not file.is_file() or file.read_text(encoding="utf-8") != drawn:
            where = file.relative_to(FOLDER.parents[2])
            print(f"{where}: expected as shapes.py draws it; run {TOOL}.")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
