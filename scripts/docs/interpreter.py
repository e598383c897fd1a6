# SPDX-License-Identifier: MIT
"""The Python blocks of a page, in one interpreter. Run as a program this is
that interpreter: blocks come as lines of JSON, and answers go, through pipes of
their own, so that what a block prints is its own.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import traceback

from workplace import SECONDS


class Interpreter:
    """Started with the first block."""

    def __init__(self, place, page):
        self.place, self.page = place, page
        self.process = None

    def start(self):
        to_read, self.commands = os.pipe()
        self.answers, to_write = os.pipe()
        self.said = tempfile.TemporaryFile(dir=self.place.base)
        command = [sys.executable, "-u", __file__, str(to_read), str(to_write)]
        self.process = subprocess.Popen(
            command,
            cwd=self.place.folder,
            env=self.place.python_environment(),
            stdin=subprocess.DEVNULL,
            stdout=self.said,
            stderr=self.said,
            pass_fds=(to_read, to_write),
            start_new_session=True,
        )
        self.place.groups.append(self.process.pid)
        os.close(to_read)
        os.close(to_write)

    def run(self, fence):
        """(None or {what, line}, what it printed)"""
        if self.process is None:
            self.start()
        begin = self.said.seek(0, os.SEEK_END)
        block = {"text": fence.text, "line": fence.line, "page": self.page.name}
        with contextlib.suppress(BrokenPipeError):
            os.write(self.commands, (json.dumps(block) + "\n").encode())
        answer = self.answer(fence)
        self.said.seek(begin)
        return answer, self.said.read().decode(errors="replace")

    def answer(self, fence):
        ready, _, _ = select.select([self.answers], [], [], SECONDS)
        if not ready:
            os.killpg(self.process.pid, signal.SIGKILL)
            what = f"expected an end within {SECONDS} s but it still runs"
            return {"what": what, "line": fence.line}
        said = os.read(self.answers, 1 << 16)
        if said:
            return json.loads(said)
        status = self.process.wait()
        what = f"expected Python to go on but it ended with status {status}"
        return {"what": what, "line": fence.line}

    def stop(self):
        if self.process:
            os.close(self.commands)
            os.close(self.answers)
            self.said.close()
            self.process.kill()
            self.process.wait()


def execute(block, names):
    """None, or the error and its line in the page."""
    page = block["page"]
    try:
        # With the page's own line numbers.
        text = "\n" * block["line"] + block["text"]
        exec(compile(text, page, "exec"), names)
        return None
    except SystemExit as error:
        if not error.code:
            return None
        return {"what": f"SystemExit: {error.code}", "line": block["line"]}
    except BaseException as error:
        traceback.print_exc()
        frames = traceback.extract_tb(error.__traceback__)
        lines = [f.lineno for f in frames if f.filename == page]
        if isinstance(error, SyntaxError) and error.filename == page:
            lines.append(error.lineno)
        what = traceback.format_exception_only(error)[-1].strip()
        return {"what": what, "line": lines[-1] if lines else block["line"]}


def main(to_read, to_write):
    sys.argv, sys.path[0] = [""], ""
    names = {"__name__": "__main__"}
    with os.fdopen(to_read) as commands:
        for line in commands:
            answer = execute(json.loads(line), names)
            sys.stdout.flush()
            sys.stderr.flush()
            ctypes.CDLL(None).fflush(None)  # what C++ printed
            os.write(to_write, (json.dumps(answer) + "\n").encode())


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
