# SPDX-License-Identifier: MIT
"""Resident memory, measured the same way for everyone: the highest value of the
process minus the value right before the model is made. Pages of mapped files
count. Imports nothing, so that every contender can use it.
"""

import os
import re
import subprocess
import sys
import time


def status(name, process="self"):
    """VmRSS or VmHWM in bytes; 0 when the process has ended."""
    try:
        with open(f"/proc/{process}/status", encoding="ascii") as file:
            found = re.search(rf"^{name}:\s*(\d+) kB", file.read(), re.M)
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return 1024 * int(found[1]) if found else 0


def peak():
    """The highest so far of this process."""
    if sys.platform.startswith("linux"):
        return status("VmHWM")
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def peak_now(process):
    """The highest so far of another process; None where nobody tells."""
    return status("VmHWM", process) or None


def now():
    """Of this process; a Mac tells only the highest so far."""
    return status("VmRSS") if sys.platform.startswith("linux") else peak()


def peak_of(command):
    """The highest of a program that runs to its end, and its seconds. Linux
    counts a parent's memory into ru_maxrss, so there we look ourselves."""
    begin = time.perf_counter()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    run = subprocess.Popen(command, **quiet)
    if not sys.platform.startswith("linux"):
        _, _, usage = os.wait4(run.pid, 0)
        return usage.ru_maxrss, time.perf_counter() - begin
    highest = 0
    while run.poll() is None:
        highest = max(highest, status("VmHWM", run.pid))
        time.sleep(0.001)
    return highest, time.perf_counter() - begin
