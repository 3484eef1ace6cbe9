"""What need not wait for the broker's answer to the CONNECT, on the 32-bit VM."""

from __future__ import annotations

import errno
from typing import Callable

import pytest

from tests.device.conftest import MAIN
from tests.device.machine import Board, Vm
from tools.testkit.mosquitto import Mosquitto
from tools.testkit.observer import Message, Observer
from tools.testkit.proxy import Proxy

DELIVERED, ECONCREDENTIALS, ECONAUTH = 1, 24, 25
CASES = [
    ("eager", "source", False),
    ("eager", "simple", False),
    ("eager", "full", True),
    ("aio_eager", "source", False),
    ("aio_eager", "aio", False),
]
PREFIX = "umqtt2/eager"
TOPIC = PREFIX + "/up"


@pytest.mark.parametrize(("program", "tree", "robust"), CASES)
def test_the_broker_answers_after_the_message(
    machine: Callable[..., Vm | Board],
    broker: Mosquitto,
    observer: Observer,
    program: str,
    tree: str,
    robust: bool,
) -> None:
    observer.subscribe(TOPIC)
    with Proxy(broker.port("anonymous"), b"reading") as proxy:
        client = {**broker.settings("anonymous"), "port": proxy.port}
        config = {"prefix": PREFIX, "client": client, "robust": robust}
        with machine(MAIN, tree).start(program, config) as run:
            told = run.event("told")
            assert told["number"] == 0
            if program == "eager":
                assert told["statuses"] == [[pid, DELIVERED] for pid in told["pids"]]
            else:
                assert not told["up"]  # when the block began
            run.done()
    assert observer.next(TOPIC) == Message(b"reading", 1)


@pytest.mark.parametrize(("program", "tree"), [("eager", "simple"), ("aio_eager", "aio")])
def test_a_refusal_is_told(
    machine: Callable[..., Vm | Board], broker: Mosquitto, program: str, tree: str
) -> None:
    client = {**broker.settings("password"), "password": "another"}
    with machine(MAIN, tree).start(program, {"prefix": PREFIX, "client": client, "robust": False}) as run:
        # The broker may have closed before the message was sent.
        assert run.event("told")["number"] in (ECONCREDENTIALS, ECONAUTH, errno.EPIPE, errno.ECONNRESET)
        run.done()
