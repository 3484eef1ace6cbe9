"""Failures while connecting: the documented error within the timeout, and a client that can connect again."""

from __future__ import annotations

import socket
from typing import Any, Iterator

import pytest

from tests.device.device import Device
from tools.testkit.mosquitto import Mosquitto
from tools.testkit.observer import Message
from tools.testkit.ports import free_port
from tools.testkit.proxy import Server, babbling, closing, silent

TIMEOUT, SLACK = 1.0, 1.5  # seconds
ECONCLOSE, ERESPONSE, ECONAUTH, ECONTIMEOUT = "1", "6", "25", "30"
ECONNREFUSED, ETIMEDOUT = "111", "110"


@pytest.fixture
def plain(broker: Mosquitto) -> dict[str, Any]:
    """Arguments of a client without TLS."""
    return {"user": None, "password": None, "ssl": False, "ssl_params": None, **broker.settings("anonymous")}


@pytest.fixture
def tls(plain: dict[str, Any], broker: Mosquitto) -> dict[str, Any]:
    """Arguments of a client with TLS."""
    return {**plain, **broker.settings("tls")}


def attempt(device: Device, client: dict[str, Any], then: dict[str, Any]) -> tuple[str, str]:
    """Have the device fail to connect and then connect; give type and number of the error."""
    device.observer.subscribe(device.topic("up"))
    with device.run("attempt", client=client, then=then, socket_timeout=TIMEOUT) as run:
        refused = run.event("refused")
        run.done()
    assert device.observer.next(device.topic("up")) == Message(b"usable")
    assert refused["ms"] < (TIMEOUT + SLACK) * 1000
    return refused["type"], (refused["args"] or [""])[0]


@pytest.mark.parametrize(
    "wrong",
    [{"user": "nobody"}, {"password": "wrong"}, {"user": None, "password": None}],
    ids=["user", "password", "none"],
)
@pytest.mark.parametrize("listener", ["password", "tls-password"])
def test_wrong_credentials(device: Device, broker: Mosquitto, listener: str, wrong: dict[str, Any]) -> None:
    good = broker.settings(listener)
    assert attempt(device, {**good, **wrong}, good) == ("MQTTException", ECONAUTH)


def test_wrong_authority(device: Device, broker: Mosquitto, tls: dict[str, Any]) -> None:
    wrong = {"ssl_params": {"cadata": broker.certificates.der("other-ca")}}
    assert attempt(device, {**tls, **wrong}, tls)[0] == "OSError"


@pytest.mark.parametrize("listener", ["expired", "wrong-name"])
def test_wrong_certificate(device: Device, broker: Mosquitto, tls: dict[str, Any], listener: str) -> None:
    assert attempt(device, broker.settings(listener), tls)[0] == "OSError"


def test_wrong_server_hostname(device: Device, tls: dict[str, Any]) -> None:
    wrong = {"ssl_params": {**tls["ssl_params"], "server_hostname": "elsewhere.example"}}
    assert attempt(device, {**tls, **wrong}, tls)[0] == "OSError"


def test_no_client_certificate(device: Device, broker: Mosquitto, tls: dict[str, Any]) -> None:
    good = {**tls, **broker.settings("tls-client-cert")}
    error = attempt(device, {**good, "ssl_params": tls["ssl_params"]}, good)
    # In TLS 1.3 the broker refuses after the client's handshake has ended, and may just close.
    assert error[0] == "OSError" or error == ("MQTTException", ECONCLOSE)


def test_tls_to_a_plain_broker(device: Device, plain: dict[str, Any], tls: dict[str, Any]) -> None:
    error = attempt(device, {**tls, "port": plain["port"]}, tls)
    assert error[0] == "OSError" or error == ("MQTTException", ECONCLOSE)


def test_plain_to_a_tls_broker(device: Device, plain: dict[str, Any], tls: dict[str, Any]) -> None:
    error = attempt(device, {**plain, "port": tls["port"]}, plain)
    assert error[0] == "OSError" or error[1] in (ECONCLOSE, ERESPONSE, ECONTIMEOUT)


def test_closed_port(device: Device, plain: dict[str, Any]) -> None:
    closed = free_port()
    assert attempt(device, {**plain, "port": closed}, plain) == ("OSError", ECONNREFUSED)


def test_unresolvable_name(device: Device, plain: dict[str, Any]) -> None:
    assert attempt(device, {**plain, "server": "no-such-host.invalid"}, plain)[0] == "OSError"


@pytest.fixture
def deaf() -> Iterator[int]:
    """The port of a server whose queue is full, so that it does not answer a SYN."""
    sockets = [socket.socket()]
    sockets[0].bind(("127.0.0.1", 0))
    sockets[0].listen(0)
    port = sockets[0].getsockname()[1]
    try:
        for _ in range(50):
            sockets.append(socket.socket())
            sockets[-1].settimeout(0.2)
            sockets[-1].connect(("127.0.0.1", port))
        pytest.skip("this kernel answers each SYN")
    except TimeoutError:
        yield port
    finally:
        for sock in sockets:
            sock.close()


def test_no_answer_to_a_syn(device: Device, deaf: int, plain: dict[str, Any]) -> None:
    assert attempt(device, {**plain, "port": deaf}, plain) == ("OSError", ETIMEDOUT)


def test_silent_peer(device: Device, plain: dict[str, Any]) -> None:
    with Server(silent) as peer:
        assert attempt(device, {**plain, "port": peer.port}, plain) == ("MQTTException", ECONTIMEOUT)


def test_silent_peer_tls(device: Device, tls: dict[str, Any]) -> None:
    with Server(silent) as peer:
        assert attempt(device, {**tls, "port": peer.port}, tls) == ("MQTTException", ECONTIMEOUT)


def test_babbling_peer(device: Device, plain: dict[str, Any]) -> None:
    with Server(babbling) as peer:
        assert attempt(device, {**plain, "port": peer.port}, plain) == ("MQTTException", ERESPONSE)


def test_babbling_peer_tls(device: Device, tls: dict[str, Any]) -> None:
    with Server(babbling) as peer:
        assert attempt(device, {**tls, "port": peer.port}, tls)[0] == "OSError"


def test_closing_peer(device: Device, plain: dict[str, Any]) -> None:
    with Server(closing) as peer:
        error = attempt(device, {**plain, "port": peer.port}, plain)
    # A reset, when the peer had not read everything.
    assert error == ("MQTTException", ECONCLOSE) or error[0] == "OSError"


def test_closing_peer_tls(device: Device, tls: dict[str, Any]) -> None:
    with Server(closing) as peer:
        error = attempt(device, {**tls, "port": peer.port}, tls)
    assert error == ("MQTTException", ECONCLOSE) or error[0] == "OSError"


def leaks(device: Device, times: int, client: dict[str, Any], socket_timeout: float = TIMEOUT) -> bool:
    """Whether the device has more descriptors after so many failed connects."""
    with device.run("descriptors", client=client, times=times, socket_timeout=socket_timeout) as run:
        counted = run.event("counted")
        run.done()
    return counted["after"] != counted["before"]


def test_a_thousand_failures_leak_nothing(device: Device, plain: dict[str, Any]) -> None:
    closed = free_port()
    assert not leaks(device, 1000, {**plain, "port": closed})


@pytest.mark.parametrize("serve", [silent, babbling, closing])
@pytest.mark.parametrize("kind", ["plain", "tls"])
def test_misbehaving_peers_leak_nothing(
    request: pytest.FixtureRequest, device: Device, kind: str, serve: Any
) -> None:
    with Server(serve) as peer:
        assert not leaks(device, 20, {**request.getfixturevalue(kind), "port": peer.port}, 0.1)


def test_failed_handshakes_leak_nothing(device: Device, broker: Mosquitto, tls: dict[str, Any]) -> None:
    wrong = {"ssl_params": {"cadata": broker.certificates.der("other-ca")}}
    assert not leaks(device, 20, {**tls, **wrong})
