# SPDX-License-Identifier: MIT
"""Many HTTP clients in one thread, over plain asyncio sockets: a stream of
server-sent events each, that can break off at any point. Standard library only.
"""

import asyncio
import concurrent.futures
import dataclasses
import json
import socket
import struct
import time
from itertools import repeat

# What differs from run to run of one generation.
CHANGING = ("id", "run", "timings", "usage")


@dataclasses.dataclass
class Event:
    name: str
    id: int
    data: dict
    at: float  # time.perf_counter() of its arrival


class Stream:
    """A POST whose answer is a stream of events."""

    def __init__(self, port, body, path="/api/generate"):
        self.port, self.body, self.path = port, body, path
        self.status, self.headers, self.sent = 0, {}, 0.0

    async def __aenter__(self):
        self.reader, self.writer = await asyncio.open_connection(
            "127.0.0.1", self.port, limit=2**22
        )
        text = json.dumps(self.body)
        self.sent = time.perf_counter()
        self.writer.write(
            f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            "Content-Type: application/json\r\nConnection: close\r\n"
            f"Content-Length: {len(text)}\r\n\r\n{text}".encode()
        )
        await self.writer.drain()
        return self

    async def __aexit__(self, *_):
        self.writer.close()

    def reset(self):
        """Breaks off with a RST, as a client that was killed."""
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, linger
        )
        self.writer.transport.abort()

    async def head(self):
        """Reads status and headers."""
        lines = (
            (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        )
        self.status = int(lines[0].split()[1])
        pairs = (line.split(":", 1) for line in lines[1:] if line)
        self.headers = {k.lower(): v.strip() for k, v in pairs}
        return self.status

    async def parts(self):
        """The body as it comes."""
        if "chunked" in self.headers.get("transfer-encoding", ""):
            while size := int((await self.reader.readline()).strip(), 16):
                yield await self.reader.readexactly(size)
                await self.reader.readexactly(2)
        elif "content-length" in self.headers:
            size = int(self.headers["content-length"])
            yield await self.reader.readexactly(size)
        else:
            while part := await self.reader.read(2**16):
                yield part

    async def json(self):
        return json.loads(b"".join([part async for part in self.parts()]))

    async def events(self):
        """Event after event; comments (pings) are left out."""
        rest = b""
        async for part in self.parts():
            *whole, rest = (rest + part).split(b"\n\n")
            for event in map(event_of, whole, repeat(time.perf_counter())):
                if event is not None:
                    yield event
        if rest.strip():
            raise ValueError(f"half an event at the end: {rest!r}")


def events_of(parts):
    """The same from [(bytes, when they came)]."""
    rest = b""
    for part, at in parts:
        *whole, rest = (rest + part).split(b"\n\n")
        yield from filter(None, map(event_of, whole, repeat(at)))
    if rest.strip():
        raise ValueError(f"half an event at the end: {rest!r}")


def event_of(block, at):
    fields = {}
    for line in block.decode().split("\n"):
        name, _, value = line.partition(":")
        if name:
            fields[name] = value.removeprefix(" ")
    if not fields:
        return None
    return Event(
        fields["event"],
        int(fields["id"]),
        json.loads(fields["data"]),
        at,
    )


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict
    sent: float  # time.perf_counter() when the request was sent
    events: list  # of a 200
    error: dict | None = None

    def named(self, name):
        return [e for e in self.events if e.name == name]

    def final(self):
        """The one event that ends it."""
        last = [e for e in self.events if e.name in ("done", "error")]
        assert len(last) == 1 and last[0] is self.events[-1], last
        assert [e.id for e in self.events] == list(range(len(self.events)))
        return last[0]

    def text(self):
        return "".join(e.data["text"] for e in self.named("token"))

    def content(self):
        """All that must be the same bits whenever and beside whom it runs."""
        out = [self.final().data["reason"]]
        for event in self.named("start") + self.named("token"):
            kept = {k: v for k, v in event.data.items() if k != "ms"}
            if event.name == "start":
                kept = {k: v for k, v in kept.items() if k not in CHANGING}
            out.append(json.dumps(kept, sort_keys=True))
        return out


def run(coroutine):
    """asyncio.run in a thread of its own: who calls may have a loop already, as
    tests with Playwright do."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


async def generate(port, body):
    """One generation to its end."""
    async with Stream(port, body) as stream:
        if await stream.head() != 200:
            said = await stream.json()
            return Answer(stream.status, stream.headers, stream.sent, [], said)
        # Parsed at the end: on the way it would take time from the server,
        # which has the same processors.
        parts = [(p, time.perf_counter()) async for p in stream.parts()]
        return Answer(200, stream.headers, stream.sent, list(events_of(parts)))


async def generate_all(port, bodies):
    return await asyncio.gather(*(generate(port, body) for body in bodies))
