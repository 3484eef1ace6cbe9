"""Fixtures: mqtt-packet, which is not ours, to check our MQTT 5 against."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mqtt5.other import MqttPacket


@pytest.fixture(scope="session")
def other() -> Iterator[MqttPacket]:
    """mqtt-packet, in a process of its own."""
    with MqttPacket() as running:
        yield running
