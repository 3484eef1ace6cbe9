"""Bytes of a reading on its way, with MQTT 3.1.1 and 5: docs/mqtt5.md.

A topic of 40 bytes and a payload of 8, to a real mosquitto, for which another client has subscribed. Counted are the
bytes of MQTT, there and back: TCP and IP add 40 to each packet, TLS some 30 more.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from tools.measure.loops import running
from tools.tables import Table
from tools.testkit.broker import HOST
from tools.testkit.observer import Observer
from umqtt2 import MQTTClient
from umqtt2.packets.v311 import V311
from umqtt2.transport.tcp import TCPTransport
from umqtt2.v5 import V5, Topic

TOPIC = "site/north/building-7/room-1/temperature"
PAYLOAD = b"21.53125"
FIRST, LATER = "MQTT 5 with an alias, the first time", "MQTT 5 with an alias, from then on"
PAGES = {"mqtt5.md": ["bytes of a reading"]}


class Counting:
    """A TCP connection that counts its bytes."""

    def __init__(self, port: int) -> None:
        self._tcp = TCPTransport(HOST, port)
        self.bytes = 0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._tcp, name)
        return partial(self._counted, method) if name in ("readinto", "write") else method

    def _counted(self, method: Callable[..., int | None], *arguments: Any) -> int | None:
        moved = method(*arguments)
        self.bytes += moved or 0
        return moved


def sent(port: int, packets: Any, topics: Sequence[str | Topic], qos: int) -> list[int]:
    """Publish readings, one after the other, and give the bytes of each and of its acknowledgement."""
    transport = Counting(port)
    waiting: set[int] = set()
    client = MQTTClient("air", "", transport=transport, packets=packets)
    client.set_callback_status(lambda pid, status: waiting.remove(pid))
    client.connect()
    found = []
    for topic in topics:
        transport.bytes = 0
        pid = client.publish(topic, PAYLOAD, qos=qos)
        if pid:
            waiting.add(pid)
        while waiting:
            client.wait_msg()
        found.append(transport.bytes)
    client.disconnect()
    return found


def measure(options: argparse.Namespace) -> dict[str, list[int]]:
    """Count, by what it is, at QoS 0 and 1."""
    found: dict[str, list[int]] = {}
    with running() as broker, Observer(hostname=HOST, port=broker.port) as other:
        other.subscribe(TOPIC, 0)
        for qos in (0, 1):
            for names, packets, topics in (
                (["MQTT 3.1.1"], V311, [TOPIC]),
                (["MQTT 5"], V5(), [TOPIC]),
                (["MQTT 5, which expires"], V5(), [Topic(TOPIC, expiry=60)]),
                ([FIRST, LATER], V5(aliases=1), [TOPIC, TOPIC]),
            ):
                for name, count in zip(names, sent(broker.port, packets, topics, qos)):
                    found.setdefault(name, []).append(count)
    return found


def parts(figures: dict[str, list[int]]) -> dict[str, Table]:
    """The table, as in the documentation."""
    rows = [[name, *map(str, counts)] for name, counts in figures.items()]
    head = ["bytes of a reading", "QoS 0", "QoS 1, with its PUBACK"]
    return {"bytes of a reading": Table("Bytes of MQTT", head, rows)}
