# SPDX-License-Identifier: MIT
"""What `./tutorial start` trains, timed as a person sees it, beside the lowest
loss that any model can reach on this text with this context.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time

from support.record import Measurement, metrics, program


def timed_run(folder, seed, threads):
    """(summary, seconds to the first sample, seconds in all), by the clock."""
    command = [
        program(),
        "train",
        "--json",
        "--out",
        folder,
        "--seed",
        str(seed),
    ]
    command += ["--threads", str(threads)]
    begin = time.monotonic()
    first = None
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as run:
        for line in run.stderr:
            sys.stderr.write(line)
            if first is None and " writes:" in line:
                first = time.monotonic() - begin
        summary = json.loads(run.stdout.read().splitlines()[-1])
    if run.returncode != 0:
        sys.exit(f"simple_llm train ended with {run.returncode}")
    return summary, first, time.monotonic() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1337)
    parser.add_argument("--threads", type=int, default=0)
    args = parser.parse_args()
    measurement = Measurement("tales_floor", args.threads)
    with tempfile.TemporaryDirectory() as folder:
        said, first, total = timed_run(
            folder + "/tales", args.seed, args.threads
        )
        head, steps = metrics(folder + "/tales")
    floor = head["entropy_floor"]
    rungs = {
        (r["model"], r["n"]): r["val_nats_per_char"] for r in head["ladder"]
    }
    result = {
        "seconds_to_first_sample": round(first, 1),
        "seconds_total": round(total, 1),
        "seconds_training": said["seconds"],
        "tokens_per_s": said["tokens_per_s"],
        "peak_bytes": said["peak_bytes"],
        "val_loss_full": said["val_loss_full"],
        "val_loss_sliding": said["val_loss_sliding"],
        "floor": floor,
        "ratio_full": said["val_loss_full"] / floor["fixed_windows"],
        "ratio_sliding": said["val_loss_sliding"] / floor["sliding"],
        "witten_bell_5": rungs["witten-bell", 5],
        "ladder": head["ladder"],
        "curve": [[s["step"], s["loss"]] for s in steps if s["step"] % 25 == 0],
        "samples": [[s["step"], s["sample"]] for s in steps if "sample" in s],
    }
    print(json.dumps({k: result[k] for k in list(result)[:10]}, indent=2))
    holds = {
        "loss within 10 % of the floor for its context": result["ratio_full"]
        <= 1.1,
        "first sample within 60 s": first <= 60,
        "training within 5 minutes": total <= 300,
        "Witten-Bell 5-gram at least 0.2 nats above the floor": rungs[
            "witten-bell", 5
        ]
        >= floor["fixed_windows"] + 0.2,
    }
    return measurement.save(result, holds)


if __name__ == "__main__":
    sys.exit(main())
