"""A message for which the broker closes the connection, again and again, is told and does not stop the others."""

from __future__ import annotations

import time
from typing import Iterator

import pytest

from tests.device.device import Device
from tools.testkit.certificates import Certificates
from tools.testkit.mosquitto import Listener, Mosquitto
from tools.testkit.observer import Observer
from umqtt2.errno import SDELIVERED, SREJECTED
from umqtt2.robust import MQTTClient

LISTENERS = [Listener("anonymous"), Listener("tls", "server")]
LIMIT = 1000
# The broker reads no more than the beginning of those that are too large, so TCP resets the connection.
SIZES = [10, 1100, 20, 3000, 30]
STATUSES = [SDELIVERED, SREJECTED, SDELIVERED, SREJECTED, SDELIVERED]


@pytest.fixture(scope="module")
def strict_broker(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Mosquitto]:
    """A broker that closes for packets that are too large."""
    lines = [f"max_packet_size {LIMIT}", "per_listener_settings true"]
    with Mosquitto(tmp_path_factory.mktemp("strict"), certificates, LISTENERS, lines) as running:
        yield running


@pytest.fixture(scope="session")
def tree() -> str:
    return "full"


def arrived(observer: Observer, topic: str) -> set[bytes]:
    """What arrives; at QoS 1 once or more."""
    got: set[bytes] = set()
    while len(got) < STATUSES.count(SDELIVERED):
        got.add(observer.next(topic).payload.rstrip(b"\0"))
    return got


@pytest.mark.parametrize("listener", [item.name for item in LISTENERS])
def test_a_message_that_is_too_large(device: Device, strict_broker: Mosquitto, listener: str) -> None:
    with Observer(hostname="127.0.0.1", port=strict_broker.port("anonymous")) as observer:
        observer.subscribe(device.topic("up"), 2)
        with device.run("rejected", client=strict_broker.settings(listener), sizes=SIZES) as run:
            assert run.event("told") == {"statuses": STATUSES, "count": len(SIZES)}
            run.done()
        assert arrived(observer, device.topic("up")) == {b"0", b"2", b"4"}


@pytest.mark.parametrize("listener", [item.name for item in LISTENERS])
def test_so_it_is_on_cpython(device: Device, strict_broker: Mosquitto, listener: str) -> None:
    settings = strict_broker.settings(listener)
    client = MQTTClient("strict-cpython", verbose=False, backoff=(0.01, 0.01), **settings)
    statuses: dict[int, int] = {}
    client.set_callback_status(statuses.__setitem__)
    with Observer(hostname="127.0.0.1", port=strict_broker.port("anonymous")) as observer:
        observer.subscribe(device.topic("up"), 2)
        client.connect()
        pids = [
            client.publish(device.topic("up"), b"%d" % i + bytes(size - 1), qos=1 + i % 2)
            for i, size in enumerate(SIZES)
        ]
        end = time.monotonic() + 30
        while len(statuses) < len(pids) and time.monotonic() < end:
            client.check_msg()
            time.sleep(0.002)
        client.disconnect()
        assert [statuses.get(pid or 0) for pid in pids] == STATUSES
        assert arrived(observer, device.topic("up")) == {b"0", b"2", b"4"}
