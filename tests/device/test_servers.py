"""A list of servers, on the 32-bit VM and on CPython: one that is not there, and two brokers of which one ends."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Callable

import pytest

from tests.device.conftest import MAIN
from tests.device.machine import Board, Vm
from tools.testkit.certificates import Certificates
from tools.testkit.mosquitto import Listener, Mosquitto
from tools.testkit.observer import Message, Observer
from tools.testkit.ports import free_ports
from umqtt2 import aio

LISTENERS = [Listener("anonymous"), Listener("tls", "server")]
TOPIC = "umqtt2/servers/up"


def observer_of(broker: Mosquitto) -> Observer:
    return Observer(hostname="127.0.0.1", port=broker.port("anonymous"))


@pytest.mark.parametrize(
    ("program", "tree", "listener"),
    [("servers", "source", "tls"), ("servers", "full", "anonymous"), ("aio_servers", "full", "anonymous")],
)
def test_the_next_server_is_taken(
    machine: Callable[..., Vm | Board],
    tmp_path_factory: pytest.TempPathFactory,
    certificates: Certificates,
    program: str,
    tree: str,
    listener: str,
) -> None:
    folders = [tmp_path_factory.mktemp("servers") for _ in range(2)]
    with Mosquitto(folders[0], certificates, LISTENERS) as one, Mosquitto(folders[1], certificates, LISTENERS) as two:
        nobody, *ports = [*free_ports(1), one.port(listener), two.port(listener)]
        config = {"client": one.settings(listener), "servers": [["localhost", port] for port in (nobody, *ports)]}
        with observer_of(two) as at_two:
            at_two.subscribe(TOPIC)
            with machine(MAIN, tree).start(program, {"prefix": "umqtt2/servers", **config}) as run:
                connected = run.event("connected")
                assert connected["ups"] == [[True, ports[0]]]
                assert connected["refused"][1] == f"localhost:{nobody}"
                one.stop()
                assert run.event("again")["ups"][-1] == [True, ports[1]]
                assert at_two.next(TOPIC) == Message(b"after", 1)
                run.done()


def test_cpython_takes_the_next_server(tmp_path: Path, certificates: Certificates) -> None:
    with Mosquitto(tmp_path, certificates, LISTENERS) as broker, observer_of(broker) as observer:
        observer.subscribe(TOPIC)
        servers = ["unknown.invalid", ("127.0.0.1", free_ports(1)[0]), ("localhost", broker.port("tls"))]
        settings = {**broker.settings("tls"), "server": servers}

        async def main() -> None:
            client = aio.MQTTClient("aio-servers", **settings, verbose=False, socket_timeout=20)
            async with client:
                assert client.port == broker.port("tls")
                await client.publish(TOPIC, "m", qos=1)

        asyncio.run(asyncio.wait_for(main(), 100))
        assert observer.next(TOPIC) == Message(b"m", 1)
