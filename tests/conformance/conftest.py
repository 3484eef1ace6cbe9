"""Fixtures: a client on a transport that answers nothing by itself, and a broker that breaks MQTT."""

from __future__ import annotations

from typing import Callable

import pytest

from tests.unit.program import App
from umqtt2 import MQTTException, errno
from umqtt2.testing import FakeTransport
from umqtt2.v5 import V5

CONNACK = b"\x20\x02\x00\x00"
CONNACK_5 = b"\x20\x03\x00\x00\x00"


@pytest.fixture
def scripted() -> Callable[..., App]:
    """Make a connected App, to which the bytes given come next."""

    def make(incoming: bytes = b"", clean_session: bool = True, **options: object) -> App:
        app = App(FakeTransport(CONNACK), **options)
        app.connect(clean_session)
        app.transport.feed(incoming)
        return app

    return make


@pytest.fixture
def ended(scripted: Callable[..., App]) -> Callable[[bytes], App]:
    """Let a connected App get bytes that end the connection, and return it."""

    def check(incoming: bytes) -> App:
        app = scripted(incoming)
        with pytest.raises(MQTTException) as caught:
            app.drain()
        assert caught.value.args[0] == errno.ERESPONSE
        assert not app.transport.is_open
        assert app.transport.sent == b""
        return app

    return check


@pytest.fixture
def scripted5() -> Callable[..., App]:
    """As `scripted`, with MQTT 5; `app.five` is its V5."""

    def make(
        incoming: bytes = b"",
        clean_session: bool = True,
        connack: bytes = CONNACK_5,
        five: V5 | None = None,
        **options: object,
    ) -> App:
        five = five or V5(largest=0)
        app = App(FakeTransport(connack), packets=five, **options)
        app.five = five  # type: ignore[attr-defined]
        app.connect(clean_session)
        app.transport.feed(incoming)
        return app

    return make


@pytest.fixture
def ended5(scripted5: Callable[..., App]) -> Callable[[bytes, int], App]:
    """As `ended`, with MQTT 5: the broker is told a reason code."""

    def check(incoming: bytes, code: int) -> App:
        app = scripted5(incoming)
        with pytest.raises(MQTTException) as caught:
            app.drain()
        assert caught.value.args == (errno.ERESPONSE, code)
        assert not app.transport.is_open
        assert app.transport.sent == bytes([0xE0, 1, code])
        return app

    return check
