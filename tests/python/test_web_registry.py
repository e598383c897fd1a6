# SPDX-License-Identifier: MIT
"""What the server says of models and of training runs is what is in the folder:
the facts of config.json, parameters as MLX counts them, adapters on their base,
and metrics.jsonl line by line while it grows.
"""

import fcntl
import json
import os
import shutil
import time

import mlx.core as mx
import pytest
from tune_runs import examples, make_model, metrics, tune, write_jsonl
from web_runs import WebServer, check_error, request

STEPS = 3


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """chatty, an adapter on it, the two as one model, and chatty in 4 bits."""
    home = tmp_path_factory.mktemp("registry")
    models = home / "models"
    make_model(models / "chatty")
    data = write_jsonl(home / "data.jsonl", examples())
    base = ["--model", models / "chatty"]
    command = ["train", *base, "--data", data, "--out", models / "extra"]
    tune(*command, "--steps", STEPS, "--batch", 2, "--lr", 0.01)
    adapter = ["--adapter", models / "extra"]
    tune("fuse", *base, *adapter, "--out", models / "fused")
    tune("convert", *base, "--quantize", 4, "--out", models / "packed")
    return home


@pytest.fixture(scope="module")
def server(home):
    with WebServer(home) as server:
        yield server


def listed(server):
    return {m["id"]: m for m in server.get("/api/models").json()["data"]}


def test_the_facts_are_those_of_the_files(server, home):
    models = listed(server)
    assert set(models) == {
        "chatty",
        "chatty+extra",
        "fused",
        "packed",
        "smollm2",
    }
    folder = home / "models" / "chatty"
    config = json.loads((folder / "config.json").read_text())
    arrays = mx.load(str(folder / "model.safetensors"))
    chatty = models["chatty"]
    assert chatty["params"] == sum(a.size for a in arrays.values())
    assert chatty["arch"] == config["model_type"]
    for ours, theirs in (
        ("n_layers", "num_hidden_layers"),
        ("n_heads", "num_attention_heads"),
        ("n_kv_heads", "num_key_value_heads"),
        ("n_ctx", "max_position_embeddings"),
        ("vocab", "vocab_size"),
    ):
        assert chatty[ours] == config[theirs]
    assert chatty["bytes"] == (folder / "model.safetensors").stat().st_size
    assert (chatty["dtype"], chatty["tokenizer"]) == ("float32", "bpe")
    assert chatty["capabilities"] == ["chat", "attention", "lens", "whatif"]
    # Packed weights count as what they stand for.
    assert models["packed"]["params"] == chatty["params"]
    assert models["packed"]["dtype"] == "4 bit"
    assert models["packed"]["bytes"] < chatty["bytes"] / 2
    assert [m["default"] for m in models.values()].count(True) == 1


def first_token(server, model):
    body = {"prompt": "What is", "max_tokens": 1, "temperature": 0}
    body |= {"model": model, "top_logprobs": 5, "stream": False}
    answer = server.post("/api/generate", body)
    assert answer.status == 200, answer.body
    assert answer.json()["model"] == model
    top = answer.json()["tokens"][0]["top"]
    return {one["id"]: one["logprob_raw"] for one in top}


def test_an_adapter_is_a_model_on_its_base(server):
    adapted = listed(server)["chatty+extra"]
    assert adapted["base"] == "chatty" and adapted["error"] is None
    base, fused = first_token(server, "chatty"), first_token(server, "fused")
    told = first_token(server, "chatty+extra")
    assert told == pytest.approx(fused, abs=1e-3)
    assert told != pytest.approx(base, abs=1e-3)
    for bad in ("extra", "packed+extra", "chatty+", "chatty+extra+extra"):
        answer = server.post("/api/generate", {"model": bad, "prompt": "x"})
        check_error(answer, 404, "model_not_found")


@pytest.mark.parametrize(
    "id", ["..", ".", "/etc", "../models/chatty", "chatty/", "chatty\0", "%2e"]
)
def test_an_id_is_no_path(server, id):
    for path, body in (
        ("/api/models/load", {"id": id}),
        ("/api/generate", {"model": id, "prompt": "x"}),
        ("/api/tokenize", {"model": id, "text": "x"}),
        ("/v1/completions", {"model": id, "prompt": "x"}),
    ):
        check_error(server.post(path, body), 404, "model_not_found")


def test_a_damaged_folder_is_said_and_harms_nobody(server, home):
    bad = home / "models" / "bad"
    bad.mkdir()
    (bad / "config.json").write_text('{"model_type":')
    (bad / "tokenizer.json").write_text("{}")
    (bad / "model.safetensors").write_bytes(b"x")
    until = time.monotonic() + 10  # it looks once a second
    while "bad" not in (models := listed(server)):
        assert time.monotonic() < until
        time.sleep(0.1)
    assert models["bad"]["state"] == "failed"
    assert models["bad"]["error"].startswith("config.json: 1:15: expected")
    assert str(home) not in json.dumps(models)
    answer = server.post("/api/generate", {"model": "bad", "prompt": "x"})
    assert str(home) not in answer.body.decode()
    assert first_token(server, "chatty")
    shutil.rmtree(bad)


def test_the_list_of_runs(server, home):
    (run,) = server.get("/api/training").json()["data"]
    lines = metrics(home / "models" / "extra")[1]
    assert run["id"] == run["name"] == "extra"
    assert (run["step"], run["steps"]) == (STEPS, STEPS)
    assert run["state"] == "finished"
    assert run["loss"] == lines[-1]["loss"]
    assert run["val_loss"] == lines[-1]["val_loss_sampled"]
    file = home / "models" / "extra" / "metrics.jsonl"
    assert run["updated_s"] == int(file.stat().st_mtime)


def follow(client, run, query=""):
    client.send(request("GET", f"/api/training/{run}/events{query}"))
    return client.events()


def test_a_finished_run_is_replayed(server, home):
    head, lines = metrics(home / "models" / "extra")
    with server.connect() as client:
        events = list(follow(client, "extra"))
    assert [data for name, data in events if name == "head"] == [head]
    told = [data["lines"] for name, data in events if name == "steps"]
    assert sum(told, []) == lines
    assert ("state", {"state": "finished"}) in events
    assert events[-1] == ("done", {})
    with server.connect() as client:
        events = list(follow(client, "extra", "?after=2"))
    told = [data["lines"] for name, data in events if name == "steps"]
    assert sum(told, []) == lines[2:]
    assert events[-1] == ("done", {})


def test_a_run_is_followed_while_it_goes_on(server, home):
    folder = home / "models" / "growing"
    folder.mkdir()
    head = {"run": "growing", "config": {"config": {"steps": 2}}}
    file = folder / "metrics.jsonl"
    file.write_text(json.dumps(head) + "\n")
    lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT)
    os.write(lock, b"%d\n" % os.getpid())
    fcntl.flock(lock, fcntl.LOCK_EX)  # as the trainer holds its folder
    lines = [{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.5, "sample": "é"}]
    with server.connect() as client:
        events = follow(client, "growing")
        assert {next(events)[0], next(events)[0]} == {"head", "state"}
        text = json.dumps(lines[0])
        with file.open("a") as out:
            out.write(text[:9])  # half of a line says nothing
            out.flush()
            out.write(text[9:] + "\n")
        assert next(events) == ("steps", {"lines": [lines[0]]})
        runs = server.get("/api/training").json()["data"]
        assert [r["state"] for r in runs if r["id"] == "growing"] == ["running"]
        with file.open("a") as out:
            out.write(json.dumps(lines[1], ensure_ascii=False) + "\n")
        assert next(events) == ("steps", {"lines": [lines[1]]})
        os.close(lock)
        assert list(events) == [("state", {"state": "finished"}), ("done", {})]


@pytest.mark.parametrize("id", ["none", "..", "%2e%2e", "chatty", "a%2fb"])
def test_no_such_run(server, id):
    answer = server.get(f"/api/training/{id}/events")
    assert answer.status == 404
    assert answer.json()["error"]["code"] in ("not_found", "run_not_found")
