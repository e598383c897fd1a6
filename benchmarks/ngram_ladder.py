# SPDX-License-Identifier: MIT
"""The ladder of counting models on tiny-shakespeare (first 90 % counted, rest
predicted) against values computed once with an independent program.
"""

import argparse
import math
import sys

from support.record import Measurement, run_simple_llm

EXPECTED = {
    "uniform": 4.1744,
    "add-k 1": 3.3473,
    "add-k 2": 2.4819,
    "add-k 3": 2.0458,
    "add-k 4": 1.7793,
    "add-k 5": 1.7503,
    "witten-bell 2": 2.4857,
    "witten-bell 3": 2.0492,
    "witten-bell 4": 1.7738,
    "witten-bell 5": 1.6688,
    "witten-bell 6": 1.6980,
    "witten-bell 7": 1.7792,
    "witten-bell 8": 1.8758,
}


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    measurement = Measurement("ngram_ladder", 1)
    said = run_simple_llm(["ngram", "--data", "tiny-shakespeare", "--json"])
    found = {"uniform": said["uniform"]}
    for rung in said["ladder"]:
        if rung["model"] != "uniform":
            found[f"{rung['model']} {rung['n']}"] = rung["val_nats_per_char"]
    rungs = []
    for name, expected in EXPECTED.items():
        value = found.get(name, math.nan)
        same = f"{value:.4f}" == f"{expected:.4f}"
        rungs.append(
            {"name": name, "expected": expected, "found": value, "same": same}
        )
        print(
            f"{name:14} {expected:.4f} {value:.6f} {'' if same else 'DIFFERS'}"
        )
    holds = {
        "every rung equal to 4 digits": all(r["same"] for r in rungs),
        "no other rungs": set(found) == set(EXPECTED),
    }
    return measurement.save({"rungs": rungs}, holds)


if __name__ == "__main__":
    sys.exit(main())
