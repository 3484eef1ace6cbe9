"""A client shows what it is, and how it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.mistakes.conftest import run
from tools.testkit.ports import free_port

PROGRAM = """
from umqtt2 import MQTTClient
from umqtt2.aio import MQTTClient as Aio
from umqtt2.robust import MQTTClient as Robust
client = Robust("kitchen", "localhost", %d, verbose=False)
print(client)
client.connect()
print(repr(client))
print(MQTTClient("plain", "localhost"))
print(Aio("tasks", "localhost"))
"""


@pytest.mark.parametrize("tree", ["source", "full"])
def test_a_client_is_printed_with_its_state_and_last_error(tree: str, trees: Callable[[str], Path]) -> None:
    port = free_port()
    assert run(trees(tree), PROGRAM % port).splitlines() == [
        f"MQTTClient('kitchen', 'localhost', {port}): not connected",
        f"MQTTClient('kitchen', 'localhost', {port}): not connected,"
        f" last error: [Errno 111] ECONNREFUSED: localhost:{port}",
        "MQTTClient('plain', 'localhost', 1883): not connected",
        "MQTTClient('tasks', 'localhost', 1883): not connected",
    ]


@pytest.mark.parametrize("tree", ["simple", "simple5"])
def test_so_do_the_small_builds(tree: str, trees: Callable[[str], Path]) -> None:
    program = 'from umqtt2 import MQTTClient\nprint(MQTTClient("plain", "localhost"))'
    assert run(trees(tree), program) == "MQTTClient('plain', 'localhost', 1883): not connected\n"


AIO = """
import asyncio
from umqtt2.aio import MQTTClient
client = MQTTClient("tasks", "localhost", %d, verbose=False)
try:
    asyncio.run(client.connect())
except OSError:
    pass
print(client)
"""


def test_so_does_the_build_for_asyncio(trees: Callable[[str], Path]) -> None:
    port = free_port()
    assert run(trees("aio"), AIO % port) == (
        f"MQTTClient('tasks', 'localhost', {port}): not connected,"
        f" last error: [Errno 111] ECONNREFUSED: localhost:{port}\n"
    )
