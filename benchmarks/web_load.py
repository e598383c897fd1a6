# SPDX-License-Identifier: MIT
"""The web server under load, and what HTTP costs beside the command line: equal
texts whoever writes beside them, clients that leave, more clients than places,
SIGTERM, memory, the first token, decoding.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

from support import smollm2, web_scenarios
from support.record import ROOT, Measurement, cores, program
from support.rounds import spread
from support.web_client import generate, run
from support.web_server import WebServer

STOP_S, STEP_S = 0.25, 0.15  # the step: of the slowest model and chunk here
STORY = "Once upon a time there was a fox who lived beside the river."
VARIANTS = {
    "off": {},
    "top_20": {"top_logprobs": 20},
    "rows": {"capture": {"layer": 15, "heads": []}},
}


def random_model(folder):
    """As in the tests: a small Llama of random weights that never ends."""
    sys.path.insert(0, str(ROOT / "tests" / "python"))
    from generate_runs import write_model

    models = pathlib.Path(folder) / "models"
    write_model(models / "random", context=4096, marks=[])
    return models


def crowd(args, models, threads):
    """The scenarios with a small model, each as often as the issue wants."""

    def serve():
        options = ["--model", "random", "--threads", threads]
        server = WebServer(program("web_server"), models, *options)
        web_scenarios.speed(server, 1, 4)  # loads it
        return server

    out = {"drain": []}
    with serve() as server:
        out["same"] = web_scenarios.same_as_serial(server, 32, args.rounds, 60)
        print(out["same"], flush=True)
        out["cancels"] = web_scenarios.cancels(server, args.cancels, 800)
        print(out["cancels"], flush=True)
        out["offered"] = web_scenarios.offered(server, 256, 100)
        out["places"] = server.queue()["max"]
        print(out["offered"], flush=True)
        out["batch"] = batch(args, server)
    with serve() as server:
        out["memory"] = web_scenarios.memory(server, 500, args.requests)
        print(out["memory"], flush=True)
    for number in range(args.sigterms):
        with serve() as server:
            tokens = 10**5 if number % 5 == 0 else 400
            out["drain"].append(web_scenarios.drain(server, 32, tokens))
    print(out["drain"], flush=True)
    return out


def batch(args, server, tokens=192):
    """Tokens a second of one stream and of eight, in turns."""
    one, eight = [], []
    for number in range(args.speed_rounds):
        first = 100 + 9 * number
        one.append(web_scenarios.speed(server, 1, tokens, first))
        eight.append(web_scenarios.speed(server, 8, tokens, first + 1))
    ratios = [b / a for a, b in zip(one, eight)]
    out = {"one": spread(one), "eight": spread(eight), "ratio": spread(ratios)}
    print(out, flush=True)
    return out


def command_line(threads, text, tokens):
    """What `generate` says of the same work."""
    command = [program("generate"), "--model", str(smollm2.source())]
    command += ["--offline", "--raw", "--prompt", text, "--json"]
    command += ["--max-tokens", str(tokens), "--temperature", "0"]
    command += ["--threads", str(threads)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def over_http(server, text, tokens, **more):
    body = {"model": "smollm2", "prompt": text, "max_tokens": tokens}
    body |= {"temperature": 0, **more}
    answer = run(generate(server.port, body))
    assert answer.status == 200, answer
    return answer


def decoding(args, server, threads):
    """Tokens a second after the first one: the command line and the server,
    with inspection off and on."""
    speeds = {name: [] for name in ["cli", *VARIANTS]}
    for _ in range(args.speed_rounds):
        said = command_line(threads, STORY, args.tokens)
        speeds["cli"].append(said["decode_tokens_per_s"])
        for name, more in VARIANTS.items():
            answer = over_http(server, STORY, args.tokens, **more)
            final = answer.final().data
            speeds[name].append(final["timings"]["tokens_per_s"])
            ids = [e.data["id"] for e in answer.named("token")]
            if ids != said["tokens"]:
                sys.exit("the server writes another text than generate")
    out = {name: spread(values) for name, values in speeds.items()}
    pairs = [("off", "cli"), ("top_20", "off"), ("rows", "off")]
    for name, other in pairs:
        ratios = [a / b for a, b in zip(speeds[name], speeds[other])]
        out[f"{name} / {other}"] = spread(ratios)
    print(out, flush=True)
    return out


def first_tokens(args, server, threads):
    """Milliseconds to the first token: what HTTP adds to the server's own time
    (95th percentile), and what that has beyond the time that the command line
    takes to read the same prompts (medians). Each prompt begins with another
    word: none is remembered."""
    texts = [f"{word} and the fox who lived by the river" for word in WORDS]
    alone, engine, added = [], [], []
    for number, text in enumerate(texts[: args.first_tokens]):
        answer = over_http(server, text, 1)
        token = answer.named("token")[0]
        engine.append(answer.final().data["timings"]["first_token_ms"])
        added.append(1000 * (token.at - answer.sent) - engine[-1])
        if number % 4 == 0:
            said = command_line(threads, text, 2)
            alone.append(
                1000 * said["prompt_tokens"] / said["prefill_tokens_per_s"]
            )
    beyond = statistics.median(engine) - statistics.median(alone)
    out = {
        "command_line_ms": spread(alone),
        "engine_ms": spread(engine),
        "http_ms": spread(added),
        "http_ms_p95": percentile(added, 95),
        "overhead_ms_p95": percentile(added, 95) + max(0, beyond),
    }
    print(out, flush=True)
    return out


WORDS = [a + b for a in "Bcdfghjklm" for b in ("at", "en", "is", "or", "um",
         "ack", "ell", "ing", "ond", "urn")]  # fmt: skip


def percentile(values, percent):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def claims(found):
    crowd_, cost = found["crowd"], found["cost"]
    cancels, offered = crowd_["cancels"], crowd_["offered"]
    same, drain = crowd_["same"], crowd_["drain"]
    return {
        f"{same['streams']} streams, {same['rounds']} rounds: each byte as when "
        "it writes alone": same["different"] == 0,
        f"{cancels['cancels']} clients that leave: computing stops in 250 ms and "
        "a step, nothing is left": max(cancels["longest_s"].values())
        <= STOP_S + STEP_S
        and cancels["idle"]
        and cancels["files_left"] <= 0,
        f"{offered['offered']} offered streams: served, or 429 with Retry-After":
        offered["lost"] == 0
        and offered["served_to_the_end"] == offered["served"]
        and offered["refused_with_retry_after"] == offered["refused"]
        and offered["served"] >= crowd_["places"],
        f"SIGTERM drains in 10 s, {len(drain)} times": all(
            d["status"] == 0 and d["lost"] == 0 and d["seconds"] <= 10.5
            for d in drain
        ),
        f"memory after {crowd_['memory']['requests']} requests at most 5 % above "
        "that after 500": crowd_["memory"]["growth"] <= 0.05,
        "8 streams write at least 1.8 times what one does": min(
            crowd_["batch"]["ratio"]["median"],
            cost["batch"]["ratio"]["median"],
        )
        >= 1.8,
        "the first token at most 5 ms (p95) after the command line's":
        cost["first_tokens"]["overhead_ms_p95"] <= 5,
        "decoding within 3 % of the command line": cost["decoding"]["off / cli"][
            "median"
        ]
        >= 0.97,
        "20 alternatives cost at most 3 %": cost["decoding"]["top_20 / off"][
            "median"
        ]
        >= 0.97,
        "live rows of a layer cost at most 15 %": cost["decoding"]["rows / off"][
            "median"
        ]
        >= 0.85,
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--cancels", type=int, default=200)
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--sigterms", type=int, default=25)
    parser.add_argument("--speed-rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--first-tokens", type=int, default=100)
    parser.add_argument("--threads", type=int, default=cores())
    args = parser.parse_args()
    if args.requests <= 500 or args.tokens < 2 or args.first_tokens > 100:
        parser.error("--requests above 500, --tokens above 1, 100 first tokens")
    measurement = Measurement("web_load", args.threads)
    with tempfile.TemporaryDirectory() as folder:
        found = {"crowd": crowd(args, random_model(folder), args.threads)}
    models = smollm2.source().parents[1]
    options = ["--model", "smollm2", "--threads", args.threads]
    with WebServer(program("web_server"), models, *options) as server:
        over_http(server, STORY, 2)  # loads it
        found["cost"] = {
            "first_tokens": first_tokens(args, server, args.threads),
            "decoding": decoding(args, server, args.threads),
            "batch": batch(args, server, 128),
        }
    return measurement.save(found, claims(found))


if __name__ == "__main__":
    sys.exit(main())
