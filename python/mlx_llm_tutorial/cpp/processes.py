# SPDX-License-Identifier: MIT
"""Child processes: the compiler, and the programs of %%cpp --main."""

import codecs
import contextlib
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time

from .cache import making
from .errors import CppError, briefly


class CompileFailed(Exception):
    """Holds what the compiler said."""


def environment():
    """Messages in English, with plain quotes."""
    return {**os.environ, "LC_ALL": "C"}


def run(command):
    """(exit status, what it said)"""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env=environment(),
    )
    return done.returncode, done.stderr


def compile_all(commands):
    """{file: command without -o}, side by side, with a line that shows that
    something happens. Raises CompileFailed."""
    print("Preparing C++ for notebooks (once) ", end="", flush=True)
    start = time.monotonic()
    with contextlib.ExitStack() as stack:
        jobs = [start_job(stack, *item) for item in commands.items()]
        wait_for([process for process, _ in jobs])
        print(f" {time.monotonic() - start:.1f} s")
        for process, said in jobs:
            if process.returncode != 0:
                said.seek(0)
                raise CompileFailed(said.read())


def start_job(stack, path, command):
    """At the end of the stack the file has its name, or is gone."""
    name = stack.enter_context(making(path))
    said = stack.enter_context(tempfile.TemporaryFile("w+", errors="replace"))
    process = subprocess.Popen(
        [*command, "-o", name],
        stdin=subprocess.DEVNULL,
        stdout=said,
        stderr=said,
        env=environment(),
    )
    stack.callback(stop, process)
    return process, said


def wait_for(processes):
    shown = time.monotonic()
    while any(process.poll() is None for process in processes):
        time.sleep(0.02)
        if time.monotonic() - shown > 1:
            print(".", end="", flush=True)
            shown = time.monotonic()


def run_program(path):
    """Runs a program; what it prints goes to Python's streams as it comes. It
    alone dies of a crash or a Ctrl-C. Raises CppError, KeyboardInterrupt."""
    child = subprocess.Popen(
        [str(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        pass_on({child.stdout: "stdout", child.stderr: "stderr"})
        status = child.wait()
    except KeyboardInterrupt:
        raise briefly(KeyboardInterrupt("the program was stopped")) from None
    finally:
        stop(child)
        child.stdout.close()
        child.stderr.close()
    if status != 0:
        raise CppError(ending(status))


def pass_on(pipes):
    """Copies each pipe to the stream of sys that it is for, until all end."""
    decoder = codecs.getincrementaldecoder("utf-8")
    with selectors.DefaultSelector() as selector:
        for pipe, name in pipes.items():
            data = name, decoder(errors="replace")
            selector.register(pipe, selectors.EVENT_READ, data)
        while selector.get_map():
            for key, _ in selector.select():
                name, texts = key.data
                data = os.read(key.fd, 1 << 16)
                stream = getattr(sys, name)
                stream.write(texts.decode(data, final=not data))
                stream.flush()
                if not data:
                    selector.unregister(key.fileobj)


def stop(process):
    """Asks it to end, and makes it end half a second later."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(0.5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def ending(status):
    """A sentence for an exit status that is not 0."""
    if status > 0:
        return f"the program ended with exit status {status}."
    name = signal.Signals(-status).name
    reasons = {
        "SIGSEGV": "it used memory that is not its own: a null pointer, or an "
        "index outside of an array",
        "SIGABRT": "it gave up: an exception that nobody caught, or an assert",
        "SIGFPE": "it divided a whole number by zero",
    }
    reason = reasons.get(name)
    return f"the program crashed with {name}" + (
        f": {reason}." if reason else "."
    )
