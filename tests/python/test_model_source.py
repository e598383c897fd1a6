# SPDX-License-Identifier: MIT
"""Models of the Hub are fetched from servers on this machine (hub_server.py):
whole, continued after cut connections and interrupts, by two at once.
"""
import os
import signal
import socket
import threading

import pytest
from hub_server import COMMIT, sha256
from source_runs import (  # noqa: F401
    FILES,
    MODEL,
    OTHERS,
    WEIGHTS,
    hub,
    tool,
    wait_for,
)


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
    waiting = hub.store.hang = threading.Event()
    first = tool.start(MODEL)
    assert hub.store.half_sent.wait(30)
    second = tool.start(MODEL)
    said = second.stderr.readline()
    hub.store.hang = None
    waiting.set()
    assert "waiting" in said
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
