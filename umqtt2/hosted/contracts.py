"""The contracts between the parts as types, for mypy. Their meaning is in `umqtt2.transport`,
`umqtt2.session` and, for the clock, below."""

from __future__ import annotations

from typing import Any, Callable, Protocol, Union

Text = Union[str, bytes]
Payload = Union[str, bytes, bytearray, memoryview]
MessageCallback = Callable[[bytes, bytes, bool, bool], object]
StatusCallback = Callable[[int, int], object]


class Transport(Protocol):
    def open(self, timeout_ms: int) -> None: ...

    def readinto(self, buf: bytearray | memoryview, n: int) -> int | None: ...

    def write(self, buf: bytes | bytearray | memoryview, n: int, offset: int) -> int | None: ...

    def wait(self, flags: int, timeout_ms: int) -> None: ...

    def close(self) -> None: ...


class Session(Protocol):
    def add(self, deadline: int, first: int, topic: bytes, msg: Payload | int | None) -> int: ...

    def done(self, pid: int) -> bool: ...

    def expired(self, clock: Clock) -> int: ...

    def clear(self) -> None: ...


class Sink(Protocol):
    """What `umqtt2.packets.decoder.decode` writes to."""

    _want: int
    _pid: int
    _topic: bytes | None
    _payload: Any


class Clock(Protocol):
    """Milliseconds that wrap: MicroPython's `time` module is one, `umqtt2.hosted.clock` another."""

    def ticks_ms(self) -> int: ...

    def ticks_add(self, ticks: int, delta: int) -> int: ...

    def ticks_diff(self, end: int, start: int) -> int: ...

    def sleep_ms(self, ms: int) -> None: ...
