"""The whole client, on a network and with a broker and a program that do whatever a fuzzer chooses."""

from __future__ import annotations

from tests.fuzz.app import LIMIT, App
from tests.fuzz.app5 import App5
from tests.fuzz.choices import Choices
from tests.fuzz.journal import folder
from umqtt2 import MQTTClient, robust
from umqtt2.session.file import FileSession
from umqtt2.session.memory import MemorySession


def default(data: bytes) -> None:
    """`umqtt2.MQTTClient` with the session store that it has by default."""
    App(Choices(data), MQTTClient).run()


def memory(data: bytes) -> None:
    """`umqtt2.MQTTClient` with a MemorySession."""
    App(Choices(data), MQTTClient, MemorySession(LIMIT)).run()


def resilient(data: bytes) -> None:
    """`umqtt2.robust.MQTTClient` with a MemorySession."""
    App(Choices(data), robust.MQTTClient, MemorySession(LIMIT)).run()


def version5(data: bytes) -> None:
    """`umqtt2.MQTTClient` or `umqtt2.robust.MQTTClient` with MQTT 5."""
    choices = Choices(data)
    kind = choices.number(3)
    App5(choices, robust.MQTTClient if kind == 2 else MQTTClient, MemorySession(LIMIT) if kind else None).run()


def file(data: bytes) -> None:
    """`umqtt2.robust.MQTTClient` with a FileSession."""
    with folder() as path:
        session = FileSession(path + "/session", LIMIT)
        try:
            App(Choices(data), robust.MQTTClient, session).run()
            assert not session.lost
        finally:
            session.close()
