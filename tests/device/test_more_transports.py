"""The scenarios over WebSocket, plain and on TLS, and over a stream: a pty instead of a UART."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.device import test_scenarios as scenarios
from tests.device.device import Device
from tests.device.machine import Board, Vm
from tests.device.serial_line import SerialLine
from tests.device.test_cpython import converse
from tools.testkit.certificates import Certificates
from tools.testkit.mosquitto import Listener, Mosquitto
from tools.testkit.observer import Observer
from tools.testkit.vm import Run
from umqtt2.transport.stream import StreamTransport
from umqtt2.transport.tls import TLSTransport
from umqtt2.transport.websocket import WebSocketTransport

NUMBERS = itertools.count(1)


class WebSockets(Listener):
    """A listener for WebSockets."""

    def lines(self, port: int, folder: Path, certificates: Certificates) -> list[str]:
        return [*super().lines(port, folder, certificates), "protocol websockets"]


# The plain one is for the observer; and mosquitto 2.0.11 does not start with WebSockets alone.
LISTENERS = [
    Listener("anonymous"),
    Listener("tls", "server"),
    WebSockets("websocket"),
    WebSockets("websocket-tls", "server"),
]


@dataclass
class OtherTransportDevice(Device):
    """A device whose programs use another transport."""

    transport: str = ""
    pty: str = ""

    def run(self, program: str, **config: object) -> Run:
        return super().run("other_transport", runs=program, transport=self.transport, pty=self.pty, **config)


@pytest.fixture(scope="module")
def broker(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[Mosquitto]:
    """A mosquitto that has WebSockets."""
    with Mosquitto(tmp_path_factory.mktemp("mosquitto-ws"), certificates, LISTENERS) as running:
        yield running


@pytest.fixture(scope="module")
def observer(broker: Mosquitto) -> Iterator[Observer]:
    """A client at the broker's side."""
    with Observer(hostname="127.0.0.1", port=broker.port("anonymous")) as client:
        yield client


@pytest.fixture(params=["source", "full"])
def make_device(
    request: pytest.FixtureRequest,
    machine: Callable[..., Vm | Board],
    broker: Mosquitto,
    observer: Observer,
    record_property: Callable[[str, object], None],
) -> Callable[..., OtherTransportDevice]:
    """Return a device for a listener and a transport."""

    def make(listener: str, transport: str, pty: str = "") -> OtherTransportDevice:
        return OtherTransportDevice(
            prefix=f"umqtt2-more/{next(NUMBERS)}",
            listener=listener,
            client=dict(broker.settings(listener)),
            machine=machine("vm32", request.param),
            observer=observer,
            broker=broker,
            record=record_property,
            transport=transport,
            pty=pty,
        )

    return make


SCENARIOS = [
    scenarios.test_publish_qos0,
    scenarios.test_subscribe_qos0,
    scenarios.test_subscribe_qos1,
    scenarios.test_500_byte_topic,
    scenarios.test_publish_qos1,
    scenarios.test_acknowledgement_never_comes,
    scenarios.test_persistent_session,
    scenarios.test_7_kb_payload,
    scenarios.test_qos2,
    scenarios.test_reconnects,
    scenarios.test_leaves_with_unread_messages,
]


@pytest.mark.parametrize("listener", ["websocket", "websocket-tls"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__[len("test_") :])
def test_websocket(
    make_device: Callable[..., OtherTransportDevice], listener: str, scenario: Callable[[Device], None]
) -> None:
    scenario(make_device(listener, "websocket"))


STREAM_SCENARIOS = [
    scenarios.test_publish_qos0,
    scenarios.test_subscribe_qos0,
    scenarios.test_subscribe_qos1,
    scenarios.test_500_byte_topic,
    scenarios.test_publish_qos1,
    scenarios.test_persistent_session,
    scenarios.test_7_kb_payload,
    scenarios.test_qos2,
]


@pytest.mark.parametrize("scenario", STREAM_SCENARIOS, ids=lambda scenario: scenario.__name__[len("test_") :])
def test_stream(
    make_device: Callable[..., OtherTransportDevice], broker: Mosquitto, scenario: Callable[[Device], None]
) -> None:
    with SerialLine(broker.port("anonymous")) as line:
        scenario(make_device("anonymous", "stream", line.path))


@pytest.mark.parametrize(
    ("listener", "scenario"),
    [
        ("anonymous", scenarios.test_7_kb_payload),
        ("anonymous", scenarios.test_qos2),
        ("tls", scenarios.test_reconnects),
    ],
    ids=["payload", "qos2", "reconnects"],
)
def test_what_passes_below_a_trace_is_unchanged(
    make_device: Callable[..., OtherTransportDevice], listener: str, scenario: Callable[[Device], None]
) -> None:
    scenario(make_device(listener, "trace"))


@pytest.mark.parametrize("listener", ["anonymous", "tls"])
def test_a_trace_tells_each_packet(make_device: Callable[..., OtherTransportDevice], listener: str) -> None:
    device = make_device(listener, "trace")
    device.observer.subscribe(device.topic("up"))
    with device.run("publish_qos1") as run:
        assert run.event("published")["statuses"] == [[1, 1], [2, 1], [3, 1]]
        device.finish(run)
    assert device.observer.next(device.topic("up")).payload == b"message 0"
    # Acknowledgements may come at any time after their messages.
    lines = [line.split(None, 2)[2] for line in run.output if line.startswith("trace")]
    assert lines[0].startswith("-- opening 127.0.0.1:") or lines[0].startswith("-- opening localhost:")
    assert lines[1] == "-- open"
    assert lines[2].startswith(f"-> CONNECT {device.client_id}, MQTT 3.1.1, clean session, keepalive ")
    assert lines[3] == "<- CONNACK accepted, new session (4 bytes)"
    topic = device.topic("up")
    for pid in (1, 2, 3):
        size = 2 + 2 + len(topic) + 2 + 9
        sent = lines.index(f"-> PUBLISH pid {pid}, {topic}, QoS 1, payload 9 ({size} bytes)")
        assert lines.index(f"<- PUBACK pid {pid} (4 bytes)") > sent
    assert lines[10] == "-> DISCONNECT (2 bytes)"
    assert lines[-1] == "-- closed"


@pytest.mark.parametrize("listener", ["websocket", "websocket-tls"])
def test_websocket_on_cpython(broker: Mosquitto, observer: Observer, listener: str) -> None:
    settings: dict[str, Any] = broker.settings(listener)
    server, port = settings["server"], settings["port"]
    below = TLSTransport(server, port, **settings["ssl_params"]) if "ssl" in settings else None
    settings["transport"] = WebSocketTransport(server, port, transport=below)
    converse(settings, observer, f"umqtt2-more/cpython/{listener}")


def test_stream_on_cpython(broker: Mosquitto, observer: Observer) -> None:
    with SerialLine(broker.port("anonymous")) as line, open(line.path, "r+b", buffering=0) as stream:
        settings = {"server": "", "transport": StreamTransport(stream)}
        converse(settings, observer, "umqtt2-more/cpython/stream")
