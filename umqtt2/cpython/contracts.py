"""The contracts between the parts as types, for mypy. Their meaning is in `umqtt2.transport`,
`umqtt2.session`, `umqtt2.packets` and, for the clock, below."""

from __future__ import annotations

from typing import Any, Callable, Protocol, Sequence, Union

Text = Union[str, bytes]


class TopicWithProperties(Protocol):
    """`umqtt2.v5.Topic`."""

    encoded: bytes


TopicName = Union[str, bytes, TopicWithProperties]
ServerList = Sequence[Union[str, tuple[str, int]]]  # names, and (name, port)
Payload = Union[str, bytes, bytearray, memoryview]
Will = Union[
    tuple[TopicName, Payload], tuple[TopicName, Payload, bool], tuple[TopicName, Payload, bool, int]
]
MessageCallback = Callable[[bytes, bytes, bool, bool], object]
StatusCallback = Callable[[int, int], object]
Packet = Sequence[Any]  # packet identifier, first byte, topic, payload or QoS


class Transport(Protocol):
    def open(self, timeout_ms: int) -> None: ...

    def readinto(self, buf: bytearray | memoryview, n: int) -> int | None: ...

    def write(self, buf: bytes | bytearray | memoryview, offset: int, n: int) -> int | None: ...

    def wait(self, flags: int, timeout_ms: int) -> None: ...

    def close(self) -> None: ...


class Peer(Protocol):
    """What is at the far end of a transport that `umqtt2.testing.check_transport` tries."""

    def send(self, data: bytes, /) -> object: ...

    def recv(self, n: int, /) -> bytes: ...

    def close(self) -> object: ...


class Session(Protocol):
    max_qos: int
    streams: bool
    keeps: bool
    window: int
    own_window: int
    has_unsent: bool
    status: int

    def add(self, first: int, topic: bytes, msg: Any, now: int, timeout: int) -> int: ...

    def remove(self, pid: int) -> bool: ...

    def unsent(self) -> Packet | None: ...

    def sent(self) -> None: ...

    def on_packet(self, first: int, pid: int, code: int) -> int | None: ...

    def is_new(self, pid: int, topic: bytes | None, payload: bytes | None, size: int = 0) -> bool: ...

    def mark_received(self, pid: int) -> None: ...

    def expired(self, now: int) -> int: ...

    def resume(self, present: bool, uncertain: bool, now: int) -> None: ...

    def on_close(self, by_broker: bool | None) -> None: ...


class Sink(Protocol):
    """What `umqtt2.packets.decoder.decode` writes to."""

    want: int
    ping_sent: int
    chunks: Any
    pid: int
    code: int
    topic: bytes | None
    payload: Any


class Packets(Protocol):
    def connect(
        self,
        client_id: Text,
        clean: bool,
        keepalive: int,
        user: Text | None,
        password: Text | None,
        will: tuple[bytes, bytes, bool, int] | None,
        connection: Any,
        /,
    ) -> bytes: ...

    def publish(self, buf: bytearray, topic: bytes, size: int, first: int, pid: int, /) -> int: ...

    def subscribe(self, first: int, pid: int, topic: bytes, qos: int, /) -> bytes: ...

    def topic_name(self, topic: Any, /) -> bytes: ...

    five: bool


class Network(Protocol):
    """What a client brings up before it connects: see `umqtt2.wifi`."""

    def bring_up(self) -> bool: ...


class Clock(Protocol):
    """Milliseconds that wrap: MicroPython's `time` module is one, `umqtt2.cpython.clock` another."""

    def ticks_ms(self) -> int: ...

    def ticks_add(self, ticks: int, delta: int) -> int: ...

    def ticks_diff(self, end: int, start: int) -> int: ...

    def sleep_ms(self, ms: int) -> None: ...
