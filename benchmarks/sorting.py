# SPDX-License-Identifier: MIT
"""minGPT's sorting task, by the C++ program sorting.cpp: runs it and keeps what
it measured."""

import argparse
import json
import subprocess
import sys

from support.record import Measurement, program


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=3407)
    parser.add_argument("--threads", type=int, default=0)
    args = parser.parse_args()
    measurement = Measurement("sorting", args.threads)
    command = [program("sorting"), "--seed", str(args.seed)]
    command += ["--threads", str(args.threads)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"sorting ended with {done.returncode}")
    result = json.loads(done.stdout.splitlines()[-1])
    right, asked = result["test"]["right"], result["test"]["asked"]
    print(f"test: {right} of {asked}, {result['seconds']:.0f} s")
    holds = {
        "5000 of 5000 test sequences sorted": right == asked == 5000,
        "test and training inputs are disjoint": result["shared_inputs"] == 0,
    }
    return measurement.save(result, holds)


if __name__ == "__main__":
    sys.exit(main())
