# SPDX-License-Identifier: MIT
"""OpenAI's own Python client on our server: what it reads is what OpenAI's types
say, field by field, and the numbers are those of our own API.
"""

import time

import openai
import pytest
from generate_runs import write_model
from openai.types import Completion, Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from web_runs import WebServer, request

PROMPT = "The cat sat"
MESSAGES = [{"role": "user", "content": "Who saw 12 cats?"}]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    home = tmp_path_factory.mktemp("openai")
    write_model(home / "models" / "small", context=512)
    with WebServer(home) as server:
        yield server


@pytest.fixture(scope="module")
def client(server):
    return openai.OpenAI(
        base_url=f"http://127.0.0.1:{server.port}/v1",
        api_key="none",
        max_retries=0,
        timeout=60,
    )


def strict(kind, json):
    """As OpenAI's type, with the exact types and nothing else in it."""
    made = kind.model_validate(json, strict=True)
    stack = [made]
    while stack:
        one = stack.pop()
        if isinstance(one, openai.BaseModel):
            assert not one.model_extra, (type(one), one.model_extra)
            stack += list(dict(one).values())
        elif isinstance(one, list):
            stack += one
    return made


def ours(server, **body):
    """The same from our own API."""
    answer = server.post("/api/generate", {"stream": False, **body})
    assert answer.status == 200, answer.body
    return answer.json()


def test_the_list_of_models(client):
    models = {model.id: model for model in client.models.list()}
    assert {"small", "smollm2"} <= set(models)
    for model in models.values():
        strict(Model, model.model_dump())
    assert abs(models["small"].created - time.time()) < 3600


def test_a_completion_is_of_openais_type(server):
    answer = server.post(
        "/v1/completions",
        {"model": "small", "prompt": PROMPT, "seed": 3, "logprobs": 2},
    )
    done = strict(Completion, answer.json())
    assert done.id.startswith("cmpl-") and done.model == "small"
    assert len(done.choices) == 1 and done.choices[0].index == 0
    assert abs(done.created - time.time()) < 60


def test_a_chat_is_of_openais_type(server):
    body = {"model": "small", "messages": MESSAGES, "max_tokens": 8}
    answer = server.post(
        "/v1/chat/completions", {**body, "logprobs": True, "top_logprobs": 3}
    )
    done = strict(ChatCompletion, answer.json())
    assert done.id.startswith("chatcmpl-")
    assert done.choices[0].message.role == "assistant"


def test_a_completion_is_what_our_api_writes(server, client):
    expected = ours(server, prompt=PROMPT, seed=5, max_tokens=16)
    done = client.completions.create(model="small", prompt=PROMPT, seed=5)
    assert done.choices[0].text == expected["text"] != ""
    assert done.choices[0].logprobs is None
    assert done.usage.completion_tokens == len(expected["tokens"]) <= 16
    assert done.usage.prompt_tokens == len(expected["prompt"])
    total = done.usage.prompt_tokens + done.usage.completion_tokens
    assert done.usage.total_tokens == total
    reasons = {"length": "length", "eos": "stop"}
    assert done.choices[0].finish_reason == reasons[expected["reason"]]
    ids = [token["id"] for token in expected["prompt"]]
    for prompt in ([PROMPT], ids, [ids]):
        again = client.completions.create(model="small", prompt=prompt, seed=5)
        assert again.choices[0].text == expected["text"]


def test_a_chat_is_what_our_api_writes(server, client):
    expected = ours(server, messages=MESSAGES, seed=5, max_tokens=20)
    parts = [
        {"type": "text", "text": part} for part in ("Who saw ", "12 cats?")
    ]
    for messages in (MESSAGES, [{"role": "user", "content": parts}]):
        for name in ("max_tokens", "max_completion_tokens"):
            done = client.chat.completions.create(
                model="small", messages=messages, seed=5, **{name: 20}
            )
            assert done.choices[0].message.content == expected["text"]


def test_a_seed_decides(client):
    def text(seed):
        done = client.completions.create(
            model="small", prompt=PROMPT, seed=seed, max_tokens=30
        )
        return done.choices[0].text

    assert text(1) == text(1)
    assert len({text(seed) for seed in range(4)}) == 4


def test_the_samplers_settings_arrive(server, client):
    more = {"top_k": 5, "min_p": 0.01, "typical_p": 0.9}
    more["repetition_penalty"] = 1.2
    settings = {"temperature": 0.7, "top_p": 0.9, "seed": 9, "max_tokens": 20}
    settings |= {"presence_penalty": 0.5, "frequency_penalty": -0.5}
    expected = ours(server, prompt=PROMPT, **settings, **more)
    done = client.completions.create(
        model="small",
        prompt=PROMPT,
        user="me",
        n=1,
        extra_body=more,
        **settings,
    )
    assert done.choices[0].text == expected["text"]


@pytest.mark.parametrize("as_list", [False, True])
def test_stop(client, as_list):
    whole = client.completions.create(
        model="small", prompt=PROMPT, seed=2, max_tokens=40
    )
    text = whole.choices[0].text
    stop = text[10:12]
    cut = client.completions.create(
        model="small",
        prompt=PROMPT,
        seed=2,
        max_tokens=40,
        stop=[stop, "@@"] if as_list else stop,
    )
    assert cut.choices[0].text == text[: text.index(stop)]
    assert cut.choices[0].finish_reason == "stop"


def joined(chunks):
    return "".join(c.choices[0].text for c in chunks if c.choices)


def test_a_stream_of_a_completion(client):
    body = {"model": "small", "prompt": PROMPT, "seed": 4, "max_tokens": 30}
    whole = client.completions.create(**body)
    chunks = list(client.completions.create(**body, stream=True))
    assert joined(chunks) == whole.choices[0].text
    assert {c.id for c in chunks} == {chunks[0].id}
    assert {c.object for c in chunks} == {"text_completion"}
    assert [c.choices[0].finish_reason for c in chunks] == [
        *[None] * (len(chunks) - 1),
        whole.choices[0].finish_reason,
    ]
    assert all(c.usage is None for c in chunks)


def test_a_stream_of_a_chat(client):
    body = {"model": "small", "messages": MESSAGES, "seed": 4, "max_tokens": 30}
    whole = client.chat.completions.create(**body)
    chunks = list(client.chat.completions.create(**body, stream=True))
    for chunk in chunks:
        # Sent, null or not: the client alone would forgive more.
        strict(ChatCompletionChunk, chunk.model_dump(exclude_unset=True))
    assert chunks[0].choices[0].delta.role == "assistant"
    assert all(c.choices[0].delta.role is None for c in chunks[1:])
    text = "".join(c.choices[0].delta.content or "" for c in chunks)
    assert text == whole.choices[0].message.content
    assert chunks[-1].choices[0].finish_reason in ("stop", "length")


@pytest.mark.parametrize("chat", [False, True])
def test_usage_at_the_end_of_a_stream(client, chat):
    create = (
        client.chat.completions.create if chat else client.completions.create
    )
    prompt = {"messages": MESSAGES} if chat else {"prompt": PROMPT}
    body = {"model": "small", "seed": 4, "max_tokens": 10, **prompt}
    whole = create(**body)
    *chunks, last = create(
        **body, stream=True, stream_options={"include_usage": True}
    )
    assert last.choices == []
    assert last.usage.completion_tokens == whole.usage.completion_tokens
    assert last.usage.prompt_tokens == whole.usage.prompt_tokens
    for chunk in chunks:
        assert chunk.usage is None and "usage" in chunk.model_fields_set
        assert len(chunk.choices) == 1


def test_log_probabilities_of_a_completion(server, client):
    body = {"prompt": PROMPT, "seed": 6, "max_tokens": 24}
    expected = ours(server, **body, top_logprobs=3)
    done = client.completions.create(model="small", logprobs=3, **body)
    told = done.choices[0].logprobs
    assert told.token_logprobs == pytest.approx(
        [token["logprob_raw"] for token in expected["tokens"]], abs=1e-6
    )
    assert len(told.tokens) == len(told.text_offset) == len(expected["tokens"])
    for name, offset, token, top in zip(
        told.tokens, told.text_offset, expected["tokens"], told.top_logprobs
    ):
        raw = bytes(token["bytes"])
        if name.startswith("bytes:"):
            assert name == "bytes:" + "".join(f"\\x{b:02x}" for b in raw)
        else:
            assert name.encode() == raw
            is_end = token["i"] == len(told.tokens) - 1 and (
                expected["reason"] == "eos"
            )
            there = "" if is_end else name
            assert expected["text"][offset:].startswith(there)
        best = [one["logprob_raw"] for one in token["top"]]
        assert sorted(top.values(), reverse=True)[:3] == pytest.approx(
            best, abs=1e-6
        )
        assert top[name] == pytest.approx(token["logprob_raw"], abs=1e-6)
        assert len(top) in (3, 4)
    none = client.completions.create(model="small", logprobs=0, **body)
    assert all(len(top) == 1 for top in none.choices[0].logprobs.top_logprobs)


def test_log_probabilities_of_a_chat(server, client):
    body = {"messages": MESSAGES, "seed": 6, "max_tokens": 24}
    expected = ours(server, **body, top_logprobs=4)
    done = client.chat.completions.create(
        model="small", logprobs=True, top_logprobs=4, **body
    )
    told = done.choices[0].logprobs.content
    assert len(told) == len(expected["tokens"])
    for one, token in zip(told, expected["tokens"]):
        assert one.bytes == token["bytes"]
        assert one.token == bytes(one.bytes).decode(errors="replace")
        assert one.logprob == pytest.approx(token["logprob_raw"], abs=1e-6)
        assert [t.bytes for t in one.top_logprobs] == [
            t["bytes"] for t in token["top"]
        ]
    plain = client.chat.completions.create(model="small", logprobs=True, **body)
    for one, same in zip(plain.choices[0].logprobs.content, told):
        assert one.top_logprobs == [] and one.logprob == same.logprob


def test_log_probabilities_in_streams(client):
    body = {"model": "small", "seed": 6, "max_tokens": 24}
    settings = {"prompt": PROMPT, "logprobs": 2, **body}
    whole = client.completions.create(**settings)
    told = [
        c.choices[0].logprobs
        for c in client.completions.create(**settings, stream=True)
        if c.choices[0].logprobs
    ]
    for name in ("tokens", "token_logprobs", "top_logprobs", "text_offset"):
        assert sum((getattr(t, name) for t in told), []) == getattr(
            whole.choices[0].logprobs, name
        )
    settings = {"messages": MESSAGES, "logprobs": True, **body}
    whole = client.chat.completions.create(**settings, top_logprobs=2)
    told = [
        token
        for c in client.chat.completions.create(
            **settings, top_logprobs=2, stream=True
        )
        if c.choices[0].logprobs
        for token in c.choices[0].logprobs.content
    ]
    assert told == whole.choices[0].logprobs.content


@pytest.mark.parametrize("stream", [False, True])
def test_errors_are_those_of_the_client(client, stream):
    body = {"model": "small", "prompt": PROMPT, "stream": stream}
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(**{**body, "temperature": 200})
    assert caught.value.code == "out_of_range"
    assert caught.value.param == "temperature"
    assert caught.value.type == "invalid_request_error"
    assert "from 0.001 to 100" in caught.value.message
    for more, param in (
        ({"extra_body": {"tempreature": 1}}, "tempreature"),
        ({"best_of": 3}, "best_of"),
        ({"suffix": "x"}, "suffix"),
        ({"logit_bias": {"1": 2}}, "logit_bias"),
        ({"echo": True}, "echo"),
        ({"n": 2}, "n"),
        ({"logprobs": 21}, "logprobs"),
        ({"stop": ["a", ""]}, "stop[1]"),
    ):
        with pytest.raises(openai.BadRequestError) as caught:
            client.completions.create(**body, **more)
        assert caught.value.param == param
    with pytest.raises(openai.NotFoundError) as caught:
        client.completions.create(**{**body, "model": "none"})
    assert caught.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(**{**body, "prompt": [5] * 513})
    assert caught.value.code == "context_length_exceeded"
    assert "512" in caught.value.message and "513" in caught.value.message


def test_a_full_queue_is_a_rate_limit(server, client):
    body = b'{"prompt": "x", "max_tokens": 500, "top_logprobs": 20}'
    text = request(
        "POST",
        "/api/generate",
        Content_Type="application/json",
        Content_Length=len(body),
    )
    clients = [server.connect() for _ in range(90)]
    try:
        for one in clients:
            one.send(text + body)
        with pytest.raises(openai.RateLimitError) as caught:
            for _ in range(50):
                client.completions.create(
                    model="small", prompt="x", max_tokens=1
                )
        assert caught.value.code == "queue_full"
        assert caught.value.type == "rate_limit_error"
        assert caught.value.response.headers["retry-after"] == "1"
    finally:
        for one in clients:
            one.__exit__()
