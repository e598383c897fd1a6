# SPDX-License-Identifier: MIT
"""What many clients do to web_server at once. Each scenario returns figures;
whoever calls says what they must be. The tests run them small, the benchmark
web_load in full.
"""

import asyncio
import random
import time

from support.web_client import Stream, generate, generate_all

WORDS = "the cat sat on mat Zoë saw 12 moons and a stone by old river".split()


def prompt(number, words=12):
    choice = random.Random(number).choice
    return " ".join(choice(WORDS) for _ in range(words))


def body(number, max_tokens, **more):
    """Every setting of the chain has its turn."""
    settings = [
        {"temperature": 0},
        {"temperature": 0.8, "top_k": 20},
        {"temperature": 1.3, "top_p": 0.9, "repetition_penalty": 1.2},
        {"temperature": 1, "min_p": 0.05, "top_logprobs": 3},
    ]
    return {
        "prompt": prompt(number),
        "seed": number,
        "max_tokens": max_tokens,
        **settings[number % len(settings)],
        **more,
    }


def same_as_serial(server, streams, rounds, max_tokens):
    """All side by side, each in every round compared with its serial run."""
    bodies = [body(n, max_tokens) for n in range(streams)]
    serial = [asyncio.run(generate(server.port, b)).content() for b in bodies]
    different, tokens = 0, 0
    for number in range(rounds):
        order = list(range(streams))
        random.Random(number).shuffle(order)
        answers = asyncio.run(
            generate_all(server.port, [bodies[n] for n in order])
        )
        for n, answer in zip(order, answers):
            different += answer.content() != serial[n]
            tokens += len(answer.named("token"))
    return {
        "streams": streams,
        "rounds": rounds,
        "tokens": tokens,
        "different": different,
    }


def speed(server, streams, max_tokens, first=0):
    """Tokens a second of all streams together, reading included."""
    bodies = [
        body(first + n, max_tokens, temperature=0, top_logprobs=0)
        for n in range(streams)
    ]
    begin = time.perf_counter()
    answers = asyncio.run(generate_all(server.port, bodies))
    seconds = time.perf_counter() - begin
    return sum(len(a.named("token")) for a in answers) / seconds


def offered(server, streams, max_tokens):
    """More than it takes: every one is served to its end or told to come
    again."""
    bodies = [body(n, max_tokens) for n in range(streams)]
    answers = asyncio.run(generate_all(server.port, bodies))
    served = [a for a in answers if a.status == 200]
    refused = [a for a in answers if a.status == 429]
    return {
        "offered": streams,
        "served": len(served),
        "served_to_the_end": sum(
            a.final().name == "done" and a.final().data["reason"] != "cancelled"
            for a in served
        ),
        "refused": len(refused),
        "refused_with_retry_after": sum(
            a.headers.get("retry-after", "").isdigit()
            and a.error["error"]["code"] == "queue_full"
            for a in refused
        ),
        "lost": streams - len(served) - len(refused),
    }


# --- cancelling ---------------------------------------------------------------


def leave(stream, rng):
    """Killed, or closed."""
    if rng.random() < 0.5:
        stream.reset()
    else:
        stream.writer.close()


async def first(stream, name, count=1):
    """Reads until the count-th event of a name."""
    async for event in stream.events():
        if event.name == name:
            count -= 1
        if count == 0:
            return event
    raise AssertionError(f"the stream ended before '{name}'")


async def in_decode(server, rng):
    body_ = body(rng.randrange(10**6), 10**5, temperature=1)
    async with Stream(server.port, body_) as stream:
        await stream.head()
        await first(stream, "token", rng.randint(1, 40))
        leave(stream, rng)


async def in_prefill(server, rng, prompt_words):
    """The prompt is new each time, so no cache makes it short."""
    body_ = body(0, 10**5, prompt=prompt(rng.randrange(10**9), prompt_words))
    async with Stream(server.port, body_) as stream:
        await stream.head()
        await first(stream, "prefill")
        await asyncio.sleep(rng.random() * 0.01)
        leave(stream, rng)


async def in_queue(server, rng):
    """Others hold every place; this one waits, and goes."""
    async with Stream(server.port, body(rng.randrange(10**6), 10**5)) as stream:
        await asyncio.sleep(rng.random() * 0.02)
        leave(stream, rng)


def seconds_until(server, running, waiting=0, limit=30):
    begin = time.monotonic()
    while True:
        queue = server.queue()
        if queue["running"] <= running and queue["waiting"] <= waiting:
            return time.monotonic() - begin
        if time.monotonic() - begin > limit:
            return limit
        time.sleep(0.002)


def cancels(server, count, prompt_words, seed=1):
    """`count` clients that leave, one after the other, in decode, in prefill
    and, with every place taken, in the queue. The seconds until the server is
    as it was, and what is left behind."""
    rng = random.Random(seed)
    seconds = {"decode": [], "prefill": [], "queue": []}
    for _ in range(4):  # what is made once is there
        asyncio.run(in_decode(server, rng))
        seconds_until(server, 0)
    files, memory = server.open_files(), server.resident()
    for number in range(count * 2 // 3):
        if number % 2:
            asyncio.run(in_decode(server, rng))
            seconds["decode"].append(seconds_until(server, 0))
        else:
            asyncio.run(in_prefill(server, rng, prompt_words))
            seconds["prefill"].append(seconds_until(server, 0))
    left = count - count * 2 // 3
    seconds["queue"] = asyncio.run(queue_cancels(server, left, rng))
    seconds_until(server, 0)
    wait_for_files(server, files)
    return {
        "cancels": sum(map(len, seconds.values())),
        "longest_s": {k: max(v, default=0) for k, v in seconds.items()},
        "files_left": server.open_files() - files,
        "memory_left_mib": (server.resident() - memory) / 2**20,
        "idle": server.is_idle(),
    }


async def queue_cancels(server, count, rng):
    """Every place is taken by a text that goes on and on."""
    places = await take_all_places(server)
    loop = asyncio.get_running_loop()
    held = (await loop.run_in_executor(None, server.queue))["running"]
    out = []
    for _ in range(count):
        await in_queue(server, rng)
        out.append(
            await loop.run_in_executor(None, seconds_until, server, held, 0)
        )
    for place in places:
        place.cancel()
    await asyncio.gather(*places, return_exceptions=True)
    return out


async def take_all_places(server):
    """Tasks that hold every place: the next one waits."""

    async def endless(number):
        while True:
            await generate(server.port, body(number, 10**5))

    tasks, loop = [], asyncio.get_running_loop()
    while True:
        tasks.append(asyncio.create_task(endless(len(tasks))))
        await asyncio.sleep(0.05)
        queue = await loop.run_in_executor(None, server.queue)
        if queue["waiting"] > 0:
            tasks.pop().cancel()
            return tasks
        if len(tasks) > 256:
            raise AssertionError("no place is ever taken")


def wait_for_files(server, files, seconds=5):
    """A closed connection may be noticed a moment later."""
    end = time.monotonic() + seconds
    while server.open_files() > files and time.monotonic() < end:
        time.sleep(0.02)


# --- memory, end --------------------------------------------------------------


async def requests(server, count, first_number, width=8):
    """`count` short generations, `width` at a time."""
    numbers = iter(range(first_number, first_number + count))

    async def client():
        for number in numbers:
            answer = await generate(server.port, body(number, 4))
            assert answer.status == 200, answer
            answer.final()

    await asyncio.gather(*(client() for _ in range(width)))


def memory(server, early, late):
    """Resident after `early` and after `late` requests."""
    begin = time.perf_counter()
    asyncio.run(requests(server, early, 0))
    after_early = server.resident()
    asyncio.run(requests(server, late - early, early))
    after_late = server.resident()
    return {
        "requests": late,
        "resident_mib": [x / 2**20 for x in (after_early, after_late)],
        "growth": after_late / after_early - 1 if after_early else 0,
        "requests_per_s": late / (time.perf_counter() - begin),
        "files": server.open_files(),
    }


def drain(server, streams, max_tokens):
    """SIGTERM while all of them write or wait: how it ends, and how each
    stream does."""

    async def clients():
        tasks = [
            asyncio.create_task(generate(server.port, body(n, max_tokens)))
            for n in range(streams)
        ]
        loop, begin = asyncio.get_running_loop(), time.monotonic()
        while time.monotonic() - begin < 5:
            queue = await loop.run_in_executor(None, server.queue)
            if queue["running"] + queue["waiting"] == streams:
                break
        end = await loop.run_in_executor(None, server.terminate)
        return end, await asyncio.gather(*tasks, return_exceptions=True)

    (status, seconds), answers = asyncio.run(clients())
    ended = 0
    for answer in answers:
        if isinstance(answer, Exception):
            continue
        if answer.status == 200:
            answer.final()
        ended += answer.status in (200, 429, 503)
    return {"status": status, "seconds": seconds, "lost": streams - ended}
