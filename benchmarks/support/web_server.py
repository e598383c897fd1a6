# SPDX-License-Identifier: MIT
"""web_server as a child: started on a free port, healthy when the constructor
returns, and what the system says of it (memory, files). Standard library only:
the tests use it as well.
"""

import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time

from support import resident


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class WebServer:
    def __init__(self, program, models, *options, **env):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.models = pathlib.Path(models)
        self.log = tempfile.TemporaryFile("w+")
        command = [program, "--port", self.port, "--models", models]
        command += ["--no-browser", *options]
        begin = time.perf_counter()
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **env},
        )
        self.wait_for_health()
        self.start_seconds = time.perf_counter() - begin

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.close()

    def said(self):
        """All that it wrote."""
        self.log.seek(0)
        return self.log.read()

    def wait_for_health(self, seconds=60):
        end = time.monotonic() + seconds
        while True:
            try:
                if self.get("/api/health")[0] == 200:
                    return
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"web_server is not healthy: {self.said()}")
            time.sleep(0.02)

    def request(self, method, path, body=None, **headers):
        """(status, headers, bytes); a body that is not bytes goes as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, 60)
        headers = {k.replace("_", "-"): v for k, v in headers.items()}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def get(self, path):
        """(status, JSON)"""
        status, _, body = self.request("GET", path)
        return status, json.loads(body)

    def post(self, path, body):
        """(status, JSON)"""
        status, _, answer = self.request("POST", path, body)
        return status, json.loads(answer)

    def queue(self):
        """{"running", "waiting", "max"}"""
        return self.get("/api/health")[1]["queue"]

    def is_idle(self):
        now = self.queue()
        return now["running"] == now["waiting"] == 0

    def wait_until_idle(self, seconds=30):
        """The seconds it took."""
        begin = time.monotonic()
        while not self.is_idle():
            if time.monotonic() - begin > seconds:
                raise RuntimeError(f"still busy after {seconds} s")
            time.sleep(0.002)
        return time.monotonic() - begin

    def resident(self):
        """Bytes of memory; 0 where the system does not tell (a Mac)."""
        if not pathlib.Path("/proc/self/status").exists():
            return 0
        return resident.status("VmRSS", self.process.pid)

    def open_files(self):
        """How many; 0 where the system does not tell."""
        folder = f"/proc/{self.process.pid}/fd"
        return len(os.listdir(folder)) if os.path.isdir(folder) else 0

    def cpu_seconds(self):
        """Of all its threads so far; 0 where the system does not tell."""
        try:
            with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as f:
                fields = f.read().rsplit(")", 1)[1].split()
        except FileNotFoundError:
            return 0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def terminate(self, seconds=20):
        """SIGTERM: (exit status, seconds until it ended)."""
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(seconds)
        return status, time.monotonic() - begin
