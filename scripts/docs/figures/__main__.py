# SPDX-License-Identifier: MIT
"""Draws the figures that are old or missing; see runner.py.

python scripts/docs/figures [NAME...]           draw what is old
python scripts/docs/figures --force [NAME...]   draw in any case
python scripts/docs/figures --check [NAME...]   only say what is old: exit 1
python scripts/docs/figures --list              each with its inputs
"""

import argparse
import sys

import runner


def main():
    parser = argparse.ArgumentParser(
        prog="figures",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_mutually_exclusive_group()
    for option in ("--force", "--check", "--list"):
        what.add_argument(option, action="store_true")
    parser.add_argument("names", nargs="*", metavar="NAME")
    args = parser.parse_args()
    unknown = set(args.names) - set(runner.names())
    if unknown:
        parser.error(
            f"expected a figure's name but received '{min(unknown)}'; choose "
            f"from: {' '.join(runner.names())}"
        )
    names = args.names or runner.names()
    if args.list:
        for name in names:
            print(name, *runner.inputs(name), sep="\t")
        return 0
    for name, path in runner.missing(names):
        print(
            f"{runner.target(name).relative_to(runner.ROOT)}: expected {path} "
            "to draw it from, but there is none; measure it."
        )
        return 1
    old = names if args.force else runner.stale(names)
    if args.check:
        for name in old:
            print(
                f"{runner.target(name).relative_to(runner.ROOT)}: drawn from "
                "other inputs than there are now; run ./tutorial docs write."
            )
        return int(bool(old))
    for name in old:
        print(f"drew {runner.draw(name)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
