"""python -m tools.measure.wire: count the bytes of a reading on its way, with MQTT 3.1.1 and 5; for docs/mqtt5.md.

A topic of 40 bytes and a payload of 8, to a real mosquitto, for which another client has subscribed. Counted are the
bytes of MQTT, there and back: TCP and IP add 40 to each packet, TLS some 30 more.
"""

from __future__ import annotations

from typing import Any

from tools import errors
from tools.measure.loops import HOST, running
from tools.tables import Table, markdown
from umqtt2 import MQTTClient
from umqtt2.packets.v311 import V311
from umqtt2.transport.tcp import TCPTransport
from umqtt2.v5 import V5, Topic

TOPIC = "site/north/building-7/room-1/temperature"
PAYLOAD = b"21.53125"
Row = tuple[str, int, int]  # what it is, and the bytes at QoS 0 and 1


class Counting:
    """A TCP connection that counts its bytes."""

    def __init__(self, port: int) -> None:
        self._tcp = TCPTransport(HOST, port)
        self.bytes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tcp, name)

    def readinto(self, buf: bytearray | memoryview, n: int) -> int | None:
        """Read, and count."""
        got: int | None = self._tcp.readinto(buf, n)
        self.bytes += got or 0
        return got

    def write(self, buf: bytes | bytearray | memoryview, offset: int, n: int) -> int | None:
        """Write, and count."""
        taken: int | None = self._tcp.write(buf, offset, n)
        self.bytes += taken or 0
        return taken


class Device:
    """A client whose bytes are counted."""

    def __init__(self, port: int, packets: Any) -> None:
        self._transport = Counting(port)
        self._acknowledged: list[tuple[int, int]] = []
        self._client = MQTTClient("air", "", transport=self._transport, packets=packets)
        self._client.set_callback_status(lambda *args: self._acknowledged.append(args))
        self._client.connect()

    def publish(self, topic: str | Topic, qos: int) -> int:
        """Publish a reading, wait for its acknowledgement, and return the bytes of both."""
        self._transport.bytes = 0
        self._client.publish(topic, PAYLOAD, qos=qos)
        while qos and not self._acknowledged:
            self._client.wait_msg()
        self._acknowledged.clear()
        return self._transport.bytes

    def leave(self) -> None:
        """Disconnect."""
        self._client.disconnect()


def rows(port: int) -> list[Row]:
    """Count, at a broker on a port of this machine."""
    found: list[Row] = []
    versions: list[tuple[str, Any, Any]] = [
        ("MQTT 3.1.1", V311, TOPIC),
        ("MQTT 5", V5(), TOPIC),
        ("MQTT 5, which expires", V5(), Topic(TOPIC, expiry=60)),
    ]
    for name, packets, topic in versions:
        device = Device(port, packets)
        found.append((name, device.publish(topic, 0), device.publish(topic, 1)))
        device.leave()
    first: list[int] = []
    later: list[int] = []
    for qos in (0, 1):
        device = Device(port, V5(aliases=1))
        first.append(device.publish(TOPIC, qos))
        later.append(device.publish(TOPIC, qos))
        device.leave()
    found.append(("MQTT 5 with an alias, the first time", first[0], first[1]))
    found.append(("MQTT 5 with an alias, from then on", later[0], later[1]))
    return found


def table(found: list[Row]) -> str:
    """The table, as in the documentation."""
    head = ["bytes of a reading", "QoS 0", "QoS 1, with its PUBACK"]
    return markdown(Table("", head, [[name, f"{zero}", f"{one}"] for name, zero, one in found]))


def measure() -> str:
    """Return the table."""
    with running() as broker:
        other = MQTTClient("other", HOST, broker.port)
        other.set_callback(lambda *args: None)
        other.connect()
        other.subscribe(TOPIC)
        while other.wait_msg() != 0x90:
            pass
        found = rows(broker.port)
        other.disconnect()
    return table(found)


if __name__ == "__main__":
    errors.run_main(lambda: print(measure()))
