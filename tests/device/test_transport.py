"""TLS in all its ways, IPv6, and one write for a packet."""

from __future__ import annotations

import pytest

from tests.device.device import Device
from tools.testkit.mosquitto import IPV6, Mosquitto, has_ipv6
from tools.testkit.observer import Message

WARNING = "umqtt2: no cadata"
UNVERIFIED = "unverified, as umqtt.simple2 does"


@pytest.mark.parametrize("way", [UNVERIFIED, "unverified in words", "a context", "bytes"])
def test_ways_to_ask_for_tls(device: Device, broker: Mosquitto, way: str) -> None:
    device.observer.subscribe(device.topic("up"))
    with device.run("tls_options", client=broker.settings("tls"), way=way) as run:
        run.done()
    assert device.observer.next(device.topic("up")) == Message(b"over TLS")
    warnings = [line for line in run.output if line.startswith(WARNING)]
    assert len(warnings) == (1 if way == UNVERIFIED else 0)


def test_no_tls_without_authority(device: Device, broker: Mosquitto) -> None:
    with device.run("tls_options", client=broker.settings("tls"), way="no word") as run:
        assert "cadata" in run.event("refused")["error"]
        run.done()


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")
def test_ipv6(device: Device, broker: Mosquitto) -> None:
    device.observer.subscribe(device.topic("up"))
    with device.run("publish", client=broker.settings(IPV6.name)) as run:
        run.done()
    assert device.observer.next(device.topic("up")) == Message(b"hello")


def test_a_packet_of_up_to_128_bytes_is_one_write(device: Device) -> None:
    with device.run("one_write") as run:
        run.event("ready")
        device.observer.publish(device.topic("down"), b"to be acknowledged", qos=1)
        counted = run.event("counted")
        run.done()
    for name, sizes in counted.items():
        assert len(sizes) == 1 or sum(sizes) > 128, (name, sizes)
    assert sum(counted["publish at QoS 0 with 0 bytes free"]) == 128
    assert sum(counted["publish at QoS 1 with 0 bytes free"]) == 128
    assert counted["subscribe"] == [128]
    assert counted["unsubscribe"] == [128]
    assert counted["acknowledge"] == [4]
