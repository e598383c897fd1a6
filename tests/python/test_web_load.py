# SPDX-License-Identifier: MIT
"""Many clients at once: nothing is lost, mixed up or left behind. The sizes are
those of every change; benchmarks/web_load.py runs the full ones."""

import os

import pytest
from web_models import random_models, serve
from web_models import web_scenarios as scenarios

# How long until the computing stops, and what one step or one chunk of a prompt
# may take on a busy machine.
STOP_S, STEP_S = 0.25, 0.15


@pytest.fixture(scope="module")
def server():
    with serve(random_models(), "--model", "random") as server:
        # The first request loads the model.
        scenarios.speed(server, 1, 4)
        yield server


@pytest.mark.skipif(
    os.environ.get("LLM_FAST_CPU") == "0",
    reason="BLAS rounds a product of several rows otherwise than one of one",
)
def test_32_streams_are_byte_identical_with_their_serial_runs(server):
    found = scenarios.same_as_serial(server, 32, 1, 40)
    assert found["tokens"] == 32 * 40
    assert found["different"] == 0, found


def test_100_clients_that_leave(server):
    found = scenarios.cancels(server, 100, prompt_words=800)
    assert found["cancels"] == 100 and found["idle"]
    assert max(found["longest_s"].values()) <= STOP_S + STEP_S, found
    assert found["files_left"] <= 0, found
    # Prompts are remembered on purpose, in at most 256 MiB.
    assert found["memory_left_mib"] < 256, found


def test_256_offered_streams_are_served_or_refused(server):
    found = scenarios.offered(server, 256, 60)
    assert found["lost"] == 0, found
    assert found["refused"] > 0, "too few to mean something"
    assert found["served"] >= server.queue()["max"], found
    assert found["served_to_the_end"] == found["served"], found
    assert found["refused_with_retry_after"] == found["refused"], found
    server.wait_until_idle()


def test_memory_does_not_grow_with_requests(server):
    found = scenarios.memory(server, 500, 5000)
    assert found["growth"] <= 0.05, found


@pytest.mark.parametrize("number", range(10))
def test_sigterm_drains(number):
    """Short texts end, long ones are ended; nobody is left without an end."""
    with serve(random_models(), "--model", "random") as server:
        scenarios.speed(server, 1, 4)
        tokens = 10**5 if number == 0 else 300
        found = scenarios.drain(server, 8, tokens)
        assert found["status"] == 0, server.said()
        assert found["seconds"] <= 10.5 and found["lost"] == 0, found
