# SPDX-License-Identifier: MIT
"""./tutorial prepares a machine: apt, venv, conda, a Mac. Nothing here reaches
the network or the system: stand-ins play apt-get, sudo, conda and macOS, and a
local HTTP server the download of Miniconda (see sandbox.py)."""
import http.server
import threading

import pytest
from sandbox import Sandbox

RUN = ["run", "simple_llm", "sample"]
STORY = "Once upon a time.\n"


@pytest.fixture
def box(tmp_path):
    return Sandbox(tmp_path)


@pytest.fixture
def mac(tmp_path):
    mac = Sandbox(tmp_path, mac=True)
    del mac.env["MLX_TUTORIAL_PYTHON"]
    return mac


# --- apt ---------------------------------------------------------------------


def test_apt_installs_what_is_missing_and_says_the_size(box):
    done = box.run("run", "--yes", *RUN[1:], SANDBOX_MISSING="ccache cmake")
    assert (done.returncode, done.stdout) == (0, STORY), done.stderr
    install = box.calls("apt-get")[-1]
    assert install.startswith("apt-get install -y")
    assert install.endswith("-o Dpkg::Use-Pty=0 cmake ccache")
    assert "42 MB" in done.stderr
    assert not box.calls("sudo")


def test_nothing_missing_nothing_asked(box):
    done = box.run(*RUN)
    assert (done.returncode, done.stdout) == (0, STORY)
    assert not box.calls("apt-get", "sudo", "conda", "curl")


def test_apt_fetches_the_lists_of_a_bare_image_first(box):
    done = box.run(
        "run", "--yes", *RUN[1:], SANDBOX_MISSING="cmake", SANDBOX_NO_LISTS="1"
    )
    assert done.returncode == 0, done.stderr
    kinds = [call.split()[1] for call in box.calls("apt-get")]
    assert kinds == ["install", "update", "install", "install"]


def test_sudo_hands_the_proxy_over(box):
    done = box.run(
        *["run", "--yes", *RUN[1:]],
        SANDBOX_MISSING="cmake",
        SANDBOX_UID="1000",
        https_proxy="http://proxy:3128",
    )
    assert done.returncode == 0, done.stderr
    call = box.calls("sudo")[-1]
    assert "https_proxy=http://proxy:3128 apt-get install -y" in call
    assert "http_proxy=http" not in call.replace("https_proxy=http", "")


def test_without_rights_the_line_for_root_is_said(box):
    for env in ({"SANDBOX_SUDO_STATUS": "1"}, {"sudo": "none"}):
        if "sudo" in env:
            (box.bin / "sudo").unlink()
            box.env["PATH"] = box.env["PATH"].replace("/usr/local/bin:", "")
        done = box.run(
            "run", "--yes", *RUN[1:], SANDBOX_MISSING="cmake",
            SANDBOX_UID="1000", **env,
        )  # fmt: skip
        assert done.returncode == 3
        last = done.stderr.splitlines()[-1]
        assert "apt-get install -y --no-install-recommends cmake" in last


def test_apt_failure(box):
    done = box.run(
        "run", "--yes", *RUN[1:], SANDBOX_MISSING="cmake",
        SANDBOX_APT_STATUS="100",
    )  # fmt: skip
    assert done.returncode == 3 and "[apt]" in done.stderr.splitlines()[-1]
    assert done.stdout == ""


def on_system(box, release):
    """As if /etc/os-release said this."""
    (box.folder / "os-release").write_text(release)
    file = box.clone / "scripts/packages.sh"
    text = file.read_text()
    path = f"'{box.folder}/os-release'"
    file.write_text(text.replace("=/etc/os-release", "=" + path, 1))


@pytest.mark.parametrize(
    "release, wanted",
    [
        ("ID=debian\nVERSION_CODENAME=bookworm\n", "libboost1.81-dev"),
        ("ID=mint\nDEBIAN_CODENAME=bookworm\n", "libboost1.81-dev"),
        ("ID=debian\nVERSION_CODENAME=trixie\n", "libboost-dev"),
        ("ID=ubuntu\nVERSION_CODENAME=noble\n", "libboost-dev"),
    ],
)
def test_boost_by_the_name_that_has_181(box, release, wanted):
    on_system(box, release)
    both = "libboost-dev libboost1.81-dev"
    done = box.run("run", "--yes", *RUN[1:], SANDBOX_MISSING=both)
    assert done.returncode == 0, done.stderr
    assert box.calls("apt-get")[-1].split("Dpkg::Use-Pty=0 ")[1] == wanted


@pytest.mark.parametrize(
    "release, there, wanted",
    [
        ("ID=debian\n", False, True),
        ("ID=ubuntu\nID_LIKE=debian\n", False, False),
        ("ID=pop\nID_LIKE='ubuntu debian'\n", False, False),
        ("ID=debian\n", True, False),
    ],
)
def test_browser_for_the_tests(box, release, there, wanted):
    on_system(box, release)
    box.only_browser("some-browser")
    if there:
        box.stand_in("some-browser", "")
    box.run("test", "--yes", SANDBOX_MISSING="chromium")
    installs = [c for c in box.calls("apt-get") if " -y -q " in c]
    assert any(c.endswith(" chromium") for c in installs) == wanted
    box.log_file.write_text("")
    done = box.run(*RUN, SANDBOX_MISSING="chromium")
    assert done.returncode == 0 and not box.calls("apt-get")


# --- questions, --yes, --offline ----------------------------------------------


def test_without_a_terminal_nothing_is_asked_or_changed(box):
    box.use_venv()
    done = box.run(*RUN)
    assert done.returncode == 3 and done.stdout == ""
    assert "--yes" in done.stderr and "MB" in done.stderr
    assert not any("pip install" in call for call in box.calls("python"))


@pytest.mark.parametrize("answer, installs", [("y\n", True), ("\n", False)])
def test_with_a_terminal_it_asks(box, answer, installs):
    box.use_venv()
    status, shown = box.run_on_terminal(*RUN, answer=answer)
    assert "[y/N]" in shown and "MB" in shown
    called = any("pip install" in call for call in box.calls("python"))
    assert called == installs
    assert status == (0 if installs else 3), shown


def test_pip_failure_shows_the_log_and_can_be_repeated(box):
    box.use_venv()
    done = box.run("run", "--yes", *RUN[1:], SANDBOX_PIP_FAILS="1")
    assert done.returncode == 3 and "no network" in done.stderr
    assert "[pip]" in done.stderr.splitlines()[-1]
    assert box.run("run", "--yes", *RUN[1:]).stdout == STORY


def test_changed_requirements_are_installed(box):
    python = box.use_venv()
    box.run("run", "--yes", *RUN[1:])
    (python.parent / "installed").unlink()
    (box.clone / "requirements.txt").write_text("new==1\n")
    assert box.run("run", "--yes", *RUN[1:]).stdout == STORY
    installs = [c for c in box.calls("python") if "pip install" in c]
    assert len(installs) == 2


def test_offline_uses_what_is_there(box):
    box.run(*RUN)
    box.log_file.write_text("")
    done = box.run("--offline", "run", "simple_llm", "home")
    assert done.stdout == f"{box.home} 1\n", done.stderr
    assert not box.calls("apt-get", "conda", "curl", "sudo")


def test_offline_names_what_is_missing(box):
    done = box.run("run", "--offline", *RUN[1:], SANDBOX_MISSING="cmake")
    assert done.returncode == 3 and "packages cmake" in done.stderr
    box.use_venv()
    done = box.run("run", "--offline", "--yes", *RUN[1:])
    assert done.returncode == 3 and "mlx 0.32.4 (found none)" in done.stderr
    assert not any("pip install" in call for call in box.calls("python"))


def test_given_python_is_never_changed(box):
    python = box.fake_python(box.folder / "theirs/python")
    done = box.run("run", "--yes", *RUN[1:], MLX_TUTORIAL_PYTHON=str(python))
    assert done.returncode == 3 and "mlx 0.32.4" in done.stderr
    assert not any("pip install" in call for call in box.calls("python"))
    done = box.run(*RUN, MLX_TUTORIAL_PYTHON="/nowhere/python")
    assert done.returncode == 3 and "/nowhere/python" in done.stderr


# --- conda on Linux -----------------------------------------------------------


def test_conda_is_used_if_it_is_there(box):
    del box.env["MLX_TUTORIAL_PYTHON"]
    conda = box.add_conda(box.user / "conda")
    env = {"CONDA_EXE": str(conda)}
    done = box.run("run", "--yes", *RUN[1:], **env)
    assert done.stdout == STORY, done.stderr
    create = f"-n ai-training -f {box.clone}/environment.yml"
    assert f"conda env create {create}" in box.calls("conda")
    assert not (box.home / "cache/venv").exists()
    box.log_file.write_text("")
    assert box.run(*RUN, **env).stdout == STORY
    assert not box.calls("conda"), "the second time nothing is asked"


def test_conda_failure(box):
    del box.env["MLX_TUTORIAL_PYTHON"]
    conda = box.add_conda(box.user / "conda")
    conda.write_text("#!/bin/sh\necho no channel; exit 1\n")
    done = box.run("run", "--yes", *RUN[1:], CONDA_EXE=str(conda))
    assert done.returncode == 3 and "no channel" in done.stderr


# --- macOS --------------------------------------------------------------------


@pytest.mark.parametrize(
    "env, words",
    [
        ({"SANDBOX_MACOS": "13.6"}, "13.6"),
        ({"SANDBOX_CPU": "x86_64"}, "Apple silicon"),
        ({"SANDBOX_ROSETTA": "1"}, "native terminal"),
        ({"SANDBOX_XCODE_STATUS": "2"}, "xcode-select --install"),
    ],
)
def test_mac_that_does_not_fit(mac, env, words):
    done = mac.run("start", "--yes", **env)
    assert done.returncode == 3 and words in done.stderr
    assert done.stderr.count("\n") == 1


def test_mac_without_conda_stops_with_the_lines(mac):
    done = mac.run("start")
    assert done.returncode == 3
    assert "curl -fLO https://" in done.stderr
    assert '-b -p "$HOME/miniconda3"' in done.stderr
    status, shown = mac.run_on_terminal("start", answer="n\n")
    assert status == 3 and "[y/N]" in shown and "licence" in shown
    assert not mac.calls("curl")
    done = mac.run("start", "--yes", "--offline")
    assert done.returncode == 3 and "Miniconda" in done.stderr


class Server:
    """Serves `content`, honours Range; the first answer may break off."""

    def __init__(self, content, breaks_off=False):
        server = self
        self.ranges = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                header = self.headers.get("Range")
                server.ranges.append(header)
                start = int(header[6:].split("-")[0]) if header else 0
                part = content[start:]
                self.send_response(206 if header else 200)
                if header:
                    end = f"{start}-{len(content) - 1}/{len(content)}"
                    self.send_header("Content-Range", f"bytes {end}")
                self.send_header("Content-Length", str(len(part)))
                self.end_headers()
                if breaks_off and len(server.ranges) == 1:
                    part = part[: len(part) // 2]
                self.wfile.write(part)
                self.close_connection = True

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/Miniconda3.sh"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()


def installer(mac):
    """An installer that puts a stand-in of conda where -p says."""
    conda = mac.add_conda(mac.user / "miniconda3")
    text = conda.read_text()
    conda.unlink()
    return (
        "#!/bin/sh\n"
        'echo "installer $*" >>"$SANDBOX_LOG"\n'
        'mkdir -p "$3/bin" || exit 1\n'
        f"cat >\"$3/bin/conda\" <<'END'\n{text}END\n"
        'chmod +x "$3/bin/conda"\n# ' + "x" * 20000 + "\n"
    ).encode()


def test_mac_installs_miniconda_after_a_yes(mac):
    (mac.bin / "curl").unlink()  # the real one, against the local server
    with Server(installer(mac)) as server:
        env = {"MLX_TUTORIAL_MINICONDA_URL": server.url}
        done = mac.run("start", "--yes", **env)
    assert (done.returncode, done.stdout) == (0, STORY), done.stderr
    assert mac.calls("installer") == [f"installer -b -p {mac.user}/miniconda3"]
    assert any("env create -n ai-training" in c for c in mac.calls("conda"))
    assert "120 MB" in done.stderr and "licence" in done.stderr
    mac.log_file.write_text("")
    done = mac.run("start")
    assert (done.returncode, done.stdout) == (0, STORY), done.stderr
    assert not mac.calls("conda", "curl", "installer")


def test_broken_off_download_goes_on_where_it_stopped(mac):
    (mac.bin / "curl").unlink()
    with Server(installer(mac), breaks_off=True) as server:
        env = {"MLX_TUTORIAL_MINICONDA_URL": server.url}
        first = mac.run("start", "--yes", **env)
        if first.returncode != 0:  # a curl that does not retry this by itself
            assert first.returncode == 3 and not mac.calls("installer")
            done = mac.run("start", "--yes", **env)
            assert done.returncode == 0, done.stderr
        assert any(r and r != "bytes=0-" for r in server.ranges[1:])


def test_login_page_instead_of_the_installer_is_not_run(mac):
    (mac.bin / "curl").unlink()
    with Server(b"<html>please log in</html>") as server:
        env = {"MLX_TUTORIAL_MINICONDA_URL": server.url}
        done = mac.run("start", "--yes", **env)
    assert done.returncode == 3 and "something else" in done.stderr
    assert not list((mac.home / "cache/downloads").iterdir())
