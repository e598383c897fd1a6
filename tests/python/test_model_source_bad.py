# SPDX-License-Identifier: MIT
"""What can go wrong when a model is fetched from the Hub: each ends in one line
and the right exit code, and never in half a model. hub_server.py is the Hub.
"""
import resource
import shutil
import sys

import pytest
from hub_server import git_name, sha256
from source_runs import FILES, MODEL, WEIGHTS, hub, tool  # noqa: F401


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
