# SPDX-License-Identifier: MIT
"""Records the example that the page shows before any model is loaded.

    record_example.py URL OUT [--model ID] [--weights FILE] [--prompt TEXT]
                      [--seed N] [--max-tokens N] [--temperature T] [--top-p P]
    record_example.py URL OUT --check     does the server still write the same?

URL is a running ./tutorial web. The file holds the model (with the SHA-256 of
its weights), the request, every event of the stream as it came, and one head's
attention, the one that looks back furthest. Numbers are rounded to five digits;
bytes are left out where the text says the same.
Standard library only.
"""
import argparse
import base64
import hashlib
import json
import pathlib
import sys
import urllib.request

# Kept so small that it costs the first visit little.
ALTERNATIVES = 10


def call(url, body=None):
    request = urllib.request.Request(
        url,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    return urllib.request.urlopen(request, timeout=600)


def get_json(url, body=None):
    with call(url, body) as response:
        return json.load(response)


def stream(url, body):
    """The events of a generation as [name, data]."""
    events, name = [], None
    with call(url + "/api/generate", body) as response:
        for raw in response:
            line = raw.decode().rstrip("\n")
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                events.append([name, json.loads(line[6:])])
    if not events or events[-1][0] != "done":
        sys.exit(f"expected a stream that ends with done: {events[-1:]}")
    return events


def shorter(value):
    """Rounded numbers, and no bytes that the text says already."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, list):
        return [shorter(v) for v in value]
    if not isinstance(value, dict):
        return value
    out = {name: shorter(v) for name, v in value.items()}
    if "bytes" in out and "text" in out:
        if bytes(out["bytes"]) == out["text"].encode():
            del out["bytes"]
    return out


def looks_far(codes, size):
    """How many tokens a head looks back at from beyond their neighbours, each
    by its best row; the first token does not count. codes: 255 sqrt(p),
    [size][size]."""
    return sum(
        (max(codes[i * size + j] for i in range(j + 3, size)) / 255) ** 2
        for j in range(1, size - 3)
    )


def attention(url, model, ids):
    """The most telling head's picture, lower triangle, one byte a cell."""
    run = get_json(
        url + "/api/inspect",
        {
            "model": model,
            "tokens": ids,
            "capture": ["attention"],
            "layers": "all",
        },
    )["run"]
    base = f"{url}/api/runs/{run}"
    with call(base + "/thumbs?size=64") as response:
        shape = [int(n) for n in response.headers["X-Shape"].split(",")]
        thumbs = response.read()
    layers, heads, size, _ = shape
    cells = size * size
    best = max(
        range(layers * heads),
        key=lambda n: looks_far(thumbs[n * cells : (n + 1) * cells], size),
    )
    layer, head = divmod(best, heads)
    with call(
        f"{base}/attention?layer={layer}&head={head}&format=u8&level=0"
    ) as response:
        size = int(response.headers["X-Shape"].split(",")[0])
        codes = base64.b64encode(response.read()).decode()
    return {"layer": layer, "head": head, "size": size, "codes": codes}


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def ids_of(events):
    start = next(data for name, data in events if name == "start")
    prompt = [token["id"] for token in start["prompt"]]
    return prompt, [data["id"] for name, data in events if name == "token"]


def record(args):
    request = {
        "model": args.model,
        "prompt": args.prompt,
        "seed": args.seed,
        "max_tokens": args.max_tokens,
        "temperature": args.temperature,
        "top_p": args.top_p,
        "top_logprobs": ALTERNATIVES,
    }
    events = stream(args.url, request)
    events = [e for e in events if e[0] != "prefill"]
    for _, data in events:  # they name what the server has long forgotten
        data.pop("run", None)
    model = next(
        m
        for m in get_json(args.url + "/api/models")["data"]
        if m["id"] == args.model
    )
    prompt, written = ids_of(events)
    facts = {name: model[name] for name in ("id", "name", "params", "dtype")}
    facts["sha256"] = sha256(args.weights) if args.weights else None
    return {
        "format": 1,
        "model": facts,
        "request": request,
        "events": shorter(events),
        "attention": attention(args.url, args.model, prompt + written),
    }


def check(args):
    """Exit 1 when the server does not write the recorded tokens again."""
    example = json.loads(args.out.read_text())
    before = ids_of(example["events"])
    now = ids_of(stream(args.url, example["request"]))
    if before != now:
        same = sum(a == b for a, b in zip(before[1], now[1]))
        sys.exit(f"expected {len(before[1])} tokens again; {same} are equal")
    print(f"{len(now[1])} tokens again")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("url", type=lambda url: url.rstrip("/"))
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--weights", help="file whose SHA-256 is recorded")
    parser.add_argument(
        "--prompt", default="My favourite thing about the sea is"
    )
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--max-tokens", type=int, default=63)
    parser.add_argument("--temperature", type=float, default=0.7)
    parser.add_argument("--top-p", type=float, default=0.95)
    args = parser.parse_args()
    if args.check:
        check(args)
        return
    text = json.dumps(record(args), ensure_ascii=False, separators=(",", ":"))
    args.out.write_text(text + "\n")
    print(f"{args.out}: {len(text.encode())} bytes")


if __name__ == "__main__":
    main()
