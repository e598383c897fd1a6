# SPDX-License-Identifier: MIT
"""What the heads of the default model look at, once it is trained: how much at
the character before, how far back, ... and the maps of two heads over one
sentence, for the figure in the written course.
"""

import argparse
import json
import subprocess
import sys

from support import tales
from support.record import Measurement, cores, program

TEXT = "Lily was a quiet child. Lily liked the quiet oak."


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", default=TEXT)
    parser.add_argument("--threads", type=int, default=cores())
    args = parser.parse_args()
    measurement = Measurement("attention", args.threads)
    command = [program("attention"), "--text", args.text]
    command += ["--model", str(tales.model(args.threads))]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"attention ended with {done.returncode}")
    result = {"text": args.text, **json.loads(done.stdout)}
    for name, found in result["maps"].items():
        print(f"{name}: layer {found['layer']}, head {found['head']}")
    holds = {
        "every row sums to 1": all(
            abs(sum(row) - 1) < 0.05  # three digits are kept of each
            for found in result["maps"].values()
            for row in found["rows"]
        )
    }
    return measurement.save(result, holds)


if __name__ == "__main__":
    sys.exit(main())
