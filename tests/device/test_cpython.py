"""The same package on CPython, against the same broker."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Callable

import pytest

from tools.testkit.mosquitto import Mosquitto
from tools.testkit.observer import Message, Observer
from umqtt2 import MQTTClient, MQTTException, errno, robust
from umqtt2.session.file import FileSession
from umqtt2.session.memory import MemorySession

DELIVERED = 1


def contents(settings: dict[str, Any]) -> dict[str, Any]:
    """The same settings, with the content of each file instead of its name."""
    params = {name: Path(file).read_bytes() for name, file in settings["ssl_params"].items()}
    return {**settings, "ssl_params": params}


def until(client: MQTTClient, condition: Callable[[], object]) -> None:
    """Process messages until `condition()`."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        if not client.check_msg():
            time.sleep(0.001)


def converse(settings: dict[str, Any], observer: Observer, prefix: str) -> None:
    """Publish and receive at QoS 1, a large payload included."""
    large = bytes(range(256)) * 28
    messages: list[tuple[bytes, bytes, bool, bool]] = []
    statuses: list[tuple[int, int]] = []
    observer.subscribe(f"{prefix}/up")
    client = MQTTClient(prefix.replace("/", "-"), socket_timeout=30, message_timeout=60, **settings)
    client.set_callback(lambda *message: messages.append(message))
    client.set_callback_status(lambda *status: statuses.append(status))
    assert client.connect() is False
    pids = [client.subscribe(f"{prefix}/down", 1), client.publish(f"{prefix}/up", large, qos=1)]
    until(client, lambda: len(statuses) == 2)
    assert sorted(statuses) == [(pid, DELIVERED) for pid in pids]
    for payload in (b"small", large):
        observer.publish(f"{prefix}/down", payload, qos=1)
    until(client, lambda: len(messages) == 2)
    client.disconnect()
    topic = f"{prefix}/down".encode()
    assert messages == [(topic, b"small", False, False), (topic, large, False, False)]
    assert observer.next(f"{prefix}/up") == Message(large, 1)


@pytest.mark.parametrize("listener", ["anonymous", "password", "tls", "tls-client-cert", "tls-password"])
@pytest.mark.mqtt("MQTT-7.0.0-2", "MQTT-7.1.2-1")
def test_converses(broker: Mosquitto, observer: Observer, listener: str) -> None:
    converse(broker.settings(listener), observer, f"umqtt2/cpython/{listener}")


def test_client_certificate_as_der_bytes(broker: Mosquitto, observer: Observer) -> None:
    converse(contents(broker.settings("tls-client-cert")), observer, "umqtt2/cpython/bytes")


@pytest.mark.parametrize("listener", ["expired", "wrong-name"])
def test_wrong_certificate(broker: Mosquitto, listener: str) -> None:
    with pytest.raises(OSError, match="verify failed"):
        MQTTClient("x", **broker.settings(listener)).connect()


def test_wrong_authority_and_then_the_right_one(broker: Mosquitto) -> None:
    client = MQTTClient("x", **broker.settings("tls"))
    right = client.ssl_params
    client.ssl_params = {"cadata": broker.certificates.der("other-ca")}
    with pytest.raises(OSError, match="verify failed"):
        client.connect()
    client.ssl_params = right
    client.connect()
    client.disconnect()


def test_system_store_knows_no_throw_away_authority(broker: Mosquitto) -> None:
    settings = {**broker.settings("tls"), "ssl_params": None}
    with pytest.raises(OSError, match="verify failed"):
        MQTTClient("x", **settings).connect()


@pytest.mark.parametrize("listener", ["anonymous", "tls"])
def test_leaves_with_unread_messages(broker: Mosquitto, observer: Observer, listener: str) -> None:
    leave(broker.settings(listener), observer, f"umqtt2/cpython-leaves/{listener}")


def leave(settings: dict[str, Any], observer: Observer, prefix: str, times: int = 40) -> None:
    """Publish and leave while messages from the broker are unread: nothing is lost, no last will comes."""
    for name in ("up", "will"):
        observer.subscribe(f"{prefix}/{name}")
    for i in range(4):
        observer.publish(f"{prefix}/kept/{i}", bytes(700), qos=1, retain=True)
    client = MQTTClient(prefix.replace("/", "-"), **settings)
    client.set_last_will(f"{prefix}/will", "died", qos=1)
    client.set_callback(lambda *message: None)
    for i in range(times):
        client.connect()
        client.subscribe(f"{prefix}/kept/#", 1)
        client.publish(f"{prefix}/up", str(i), qos=i & 1)
        if i & 2:
            time.sleep(0.005)
        client.disconnect()
    assert [observer.next(f"{prefix}/up").payload for _ in range(times)] == [b"%d" % i for i in range(times)]
    # The broker publishes this after everything before it.
    observer.publish(f"{prefix}/will", b"fence", qos=1)
    assert observer.next(f"{prefix}/will").payload == b"fence"
    for i in range(4):
        observer.publish(f"{prefix}/kept/{i}", b"", qos=1, retain=True)


@pytest.mark.parametrize("store", ["default", "memory", "file"])
def test_more_messages_than_the_broker_takes_at_a_time(
    broker: Mosquitto, observer: Observer, tmp_path: Path, store: str
) -> None:
    count = 200  # ten times as many as mosquitto has in flight, as it comes
    topic = f"umqtt2/cpython-many/{store}"
    observer.subscribe(topic, 2)
    settings = broker.settings("anonymous")
    session: Any = MemorySession(50) if store == "memory" else FileSession(str(tmp_path / "session"), 50)
    client: MQTTClient = MQTTClient(store, **settings)
    if store != "default":
        client = robust.MQTTClient(store, session=session, **settings)
    statuses: list[int] = []
    client.set_callback_status(lambda pid, status: statuses.append(status))
    client.connect()
    sent = 0

    def all_have_status() -> bool:
        nonlocal sent
        try:
            while sent < count:
                client.publish(topic, str(sent), qos=1 + sent % 2)
                sent += 1
        except MQTTException as e:
            assert e.args[0] == errno.EFULL
        return len(statuses) == count

    until(client, all_have_status)
    client.disconnect()
    assert statuses == [DELIVERED] * count
    arrived = [observer.next(topic) for _ in range(count)]
    for qos in (1, 2):
        numbers = [int(message.payload) for message in arrived if message.qos == qos]
        # mosquitto changes the order when it has more than it may send at a time.
        assert sorted(numbers) == list(range(qos - 1, count, 2))
