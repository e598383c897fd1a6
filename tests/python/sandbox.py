# SPDX-License-Identifier: MIT
"""A place to run ./tutorial in: a copy of the script with a project of two
programs that need no compiler, an empty HOME, and stand-ins, first on PATH,
for what belongs to the machine (apt-get, sudo, conda, uname, ...). Each
stand-in writes its arguments to a log before it plays its part.
"""
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

CMAKE = """cmake_minimum_required(VERSION 3.24)
project(sandbox NONE)
if(EXISTS ${CMAKE_SOURCE_DIR}/broken)
  message(FATAL_ERROR "the sandbox is broken")
endif()
file(WRITE ${CMAKE_BINARY_DIR}/mlx.txt "${LLM_MLX_VERSION}")
file(GLOB programs CONFIGURE_DEPENDS code/*.cpp)
if(EXISTS ${CMAKE_SOURCE_DIR}/code/web_interface/server.cpp)
  list(APPEND programs ${CMAKE_SOURCE_DIR}/code/web_interface/server.cpp)
endif()
if(NOT LLM_FUZZ)
  file(GLOB tests CONFIGURE_DEPENDS tests/cpp/*.cpp)
else()
  file(GLOB tests CONFIGURE_DEPENDS tests/fuzz/*.cpp)
endif()
foreach(source IN LISTS programs tests)
  get_filename_component(name ${source} NAME_WE)
  if(name STREQUAL server)
    set(name web_server)
  endif()
  set(program ${CMAKE_BINARY_DIR}/bin/${name})
  add_custom_command(
    OUTPUT ${program} COMMAND mkdir -p bin COMMAND grep -qv "#error" ${source}
    COMMAND cp ${source} ${program} COMMAND chmod +x ${program}
    DEPENDS ${source} VERBATIM)
  add_custom_target(${name} ALL DEPENDS ${program})
endforeach()
"""

PRESETS = """{"version": 5, "configurePresets": [
  {"name": "release", "generator": "Ninja",
   "binaryDir": "${sourceDir}/build/release"},
  {"name": "asan", "generator": "Ninja",
   "binaryDir": "${sourceDir}/build/asan"}]}
"""

# A "compiled program": trains by making a folder, samples by printing.
SIMPLE_LLM = """#!/usr/bin/env python3
import os, pathlib, signal, sys, time
log = open(os.environ["SANDBOX_LOG"], "a")
print("simple_llm", *map(repr, sys.argv[1:]), file=log, flush=True)
command = sys.argv[1] if len(sys.argv) > 1 else ""
home = pathlib.Path(os.environ["MLX_TUTORIAL_HOME"])
if command == "train":
    caught = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda n, _: caught.append(n))
    print("begun", file=log, flush=True)
    count = len(list((home / "models").glob("tales-*"))) + 1
    out = home / "models" / f"tales-{count}"
    out.mkdir()
    latest = home / "models" / "latest"
    latest.unlink(missing_ok=True)
    latest.symlink_to(out.name)
    print("training", file=sys.stderr, flush=True)
    end = time.time() + float(os.environ.get("SANDBOX_TRAIN_SECONDS", "0"))
    while time.time() < end and not caught:
        time.sleep(0.02)
    if caught:
        time.sleep(0.5)
        print("caught", caught, file=log, flush=True)
    sys.exit(int(os.environ.get("SANDBOX_TRAIN_STATUS", "0")))
elif command == "sample":
    print("Once upon a time.")
elif command == "cat":
    sys.stdout.write(sys.stdin.read())
elif command == "pid":
    print(os.getpid(), flush=True)
    time.sleep(30)
elif command == "home":
    print(home, os.environ.get("MLX_TUTORIAL_OFFLINE"))
elif command == "environment":
    print(*(os.environ.get(name) for name in sys.argv[2:]))
elif command == "fail":
    sys.exit(7)
"""

# A server that is healthy at once and stops when it is told to. Without a port
# it ends, as when somebody has pressed Ctrl-C.
WEB_SERVER = """#!/usr/bin/env python3
import http.server, os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
log = open(os.environ["SANDBOX_LOG"], "a")
print("web_server", *map(repr, sys.argv[1:]), file=log, flush=True)
print("pid", os.getpid(), flush=True)
if "--port" not in sys.argv:
    sys.exit(0)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/api/health" else 404)
        self.end_headers()
    def log_message(self, *_):
        pass
port = int(sys.argv[sys.argv.index("--port") + 1])
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""

# Stand-ins: the log line, then the part. They are sh, for speed.
HEAD = '#!/bin/sh\necho "{name} $*" >>"$SANDBOX_LOG"\n'
STAND_INS = {
    # A Debian machine where everything is installed.
    "dpkg-query": 'shift 2; for p; do case " $SANDBOX_MISSING " in\n'
    '*" $p "*) ;; *) echo "installed $p" ;; esac; done\n',
    "apt-get": 'case "$*" in\n'
    '*--print-uris*) [ -z "$SANDBOX_NO_LISTS" ] || [ -f "$HOME/lists" ] ||'
    " exit 100\n"
    "  echo \"'address/a.deb' a.deb 41500000 SHA256:0\" ;;\n"
    'update*) touch "$HOME/lists" ;;\nesac\nexit ${SANDBOX_APT_STATUS:-0}\n',
    "sudo": 'if [ "$1" = -n ] || [ "$1" = -v ]; then exit'
    ' ${SANDBOX_SUDO_STATUS:-0}; fi\nexec "$@"\n',
    "id": 'echo "${SANDBOX_UID:-0}"\n',
    "uname": 'case "$1" in -m) echo x86_64 ;; *) echo Linux ;; esac\n',
    "curl": "exit 6\n",
    "git": "exit 1\n",
    "xdg-open": "",
}
MAC_STAND_INS = {
    "uname": 'case "$1" in -m) echo "${SANDBOX_CPU:-arm64}" ;;'
    " *) echo Darwin ;; esac\n",
    "sw_vers": 'echo "${SANDBOX_MACOS:-14.5}"\n',
    "xcode-select": "exit ${SANDBOX_XCODE_STATUS:-0}\n",
    "xcrun": "echo /usr/bin/clang++\n",
    "open": "",
    "sysctl": 'case "$*" in *translated*) echo "${SANDBOX_ROSETTA:-0}" ;;\n'
    "*) echo 8589934592 ;; esac\n",
}
CONDA = """case "$1 $2" in
"env create"|"env update")
  mkdir -p "{base}/envs/ai-training/bin"
  cp "{python}" "{base}/envs/ai-training/bin/python" ;;
"--version "*) echo "conda 25.1.0" ;;
esac
exit ${{SANDBOX_CONDA_STATUS:-0}}
"""


class Sandbox:
    def __init__(self, folder, mac=False):
        self.folder = pathlib.Path(folder)
        # Spaces everywhere: people have them.
        self.clone = self.folder / "my clone"
        self.user = self.folder / "my user"
        self.home = self.user / "ai-training"
        self.bin = self.folder / "bin"
        self.log_file = self.folder / "calls.log"
        for made in (self.clone / "code", self.user, self.bin):
            made.mkdir(parents=True)
        shutil.copytree(
            ROOT / "scripts",
            self.clone / "scripts",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        for name in (
            "tutorial",
            "requirements.txt",
            "requirements-cuda.txt",
            "environment.yml",
        ):
            shutil.copy2(ROOT / name, self.clone / name)
        (self.clone / "CMakeLists.txt").write_text(CMAKE)
        (self.clone / "CMakePresets.json").write_text(PRESETS)
        (self.clone / "code/simple_llm.cpp").write_text(SIMPLE_LLM)
        (self.clone / "code/other.cpp").write_text("#!/bin/sh\n")
        (self.clone / "code/web_interface").mkdir()
        server = self.clone / "code/web_interface/server.cpp"
        server.write_text(WEB_SERVER)
        self.log_file.touch()
        stand_ins = dict(STAND_INS)
        if mac:
            stand_ins.update(MAC_STAND_INS)
            for absent in ("apt-get", "dpkg-query"):
                del stand_ins[absent]
        for name, text in stand_ins.items():
            self.stand_in(name, text)
        for name in ("cmake", "ninja"):  # on a Mac they come from conda
            (self.bin / name).symlink_to(shutil.which(name))
        # Only what we name is on PATH: a conda of the machine is not.
        path = [str(self.bin), "/usr/local/bin", "/usr/bin", "/bin"]
        self.env = {
            "PATH": os.pathsep.join(path),
            "HOME": str(self.user),
            "SANDBOX_LOG": str(self.log_file),
            "MLX_TUTORIAL_PYTHON": sys.executable,
            "LC_ALL": "C",
        }

    def stand_in(self, name, text, folder=None):
        file = (folder or self.bin) / name
        if file.is_symlink():
            file.unlink()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(HEAD.format(name=name) + text)
        file.chmod(0o755)
        return file

    def fake_python(self, file, installs=True):
        """A Python whose packages fit only after `pip install`."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(
            HEAD.format(name="python")
            + f'flag="{file.parent}/installed"\n'
            + 'case "$*" in\n'
            + '*check_pins.py*) [ -f "$flag" ] && exit 0\n'
            + '  echo "mlx 0.32.4 (found none)"; exit 1 ;;\n'
            + '*"pip install"*) [ -n "$SANDBOX_PIP_FAILS" ] &&'
            + ' { echo "no network"; exit 1; }\n'
            + '  touch "$flag" ;;\n'
            + '*"pip --version"*) exit 0 ;;\n'
            + f'*) exec "{sys.executable}" "$@" ;;\nesac\n'
        )
        file.chmod(0o755)
        return file

    def add_conda(self, base):
        """A conda in `base`/bin that makes an environment which fits."""
        inner = self.fake_python(self.folder / "env-python/python")
        (inner.parent / "installed").touch()
        return self.stand_in(
            "conda", CONDA.format(base=base, python=inner), base / "bin"
        )

    def only_browser(self, name):
        """No other one is found, whatever this machine has."""
        file = self.clone / "scripts/packages.sh"
        names = " chromium google-chrome chromium-browser "
        text = file.read_text()
        assert names in text
        file.write_text(text.replace(names, f" {name} "))

    def use_venv(self):
        """Not a given Python but the venv of a start, empty so far."""
        del self.env["MLX_TUTORIAL_PYTHON"]
        return self.fake_python(self.home / "cache/venv/bin/python")

    def run(self, *arguments, stdin="", cwd=None, **env):
        return subprocess.run(
            [str(self.clone / "tutorial"), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=cwd or self.folder,
            env={**self.env, **env},
            start_new_session=True,
        )

    def popen(self, *arguments, **env):
        return subprocess.Popen(
            [str(self.clone / "tutorial"), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env={**self.env, **env},
            start_new_session=True,
            # A shell that starts the tests in the background ignores it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def run_on_terminal(self, *arguments, answer="", after="", **env):
        """Returns (status, all that was shown); answers with `answer`, when
        there was a call of `after`."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.folder)
            script = str(self.clone / "tutorial")
            os.execve(script, [script, *arguments], {**self.env, **env})
        if after:
            self.wait_for_call(after)
            time.sleep(0.3)
        os.write(terminal, answer.encode())
        shown = b""
        while True:
            try:
                part = os.read(terminal, 4096)
            except OSError:  # Linux says EIO when the other side is gone
                part = b""
            if not part:
                break
            shown += part
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(terminal)
        return status, shown.decode().replace("\r\n", "\n")

    def calls(self, *names):
        """The lines of the log, of these programs."""
        lines = self.log_file.read_text().splitlines()
        return [l for l in lines if not names or l.split(" ")[0] in names]

    def wait_for_call(self, text, seconds=30):
        end = time.time() + seconds
        while text not in self.log_file.read_text():
            assert time.time() < end, f"no call of {text}: {self.calls()}"
            time.sleep(0.02)
