"""TCPTransport's choices, on sockets that are not there. The real ones are in tests/device."""

from __future__ import annotations

import errno
import socket

import pytest

from umqtt2 import cpython, robust
from umqtt2.testing import FakeClock
from umqtt2.transport.tcp import TCPTransport

IN_PROGRESS = errno.EINPROGRESS
NO_SOCKET = object()


class FakeSocket:
    """`script` says what each connect() raises; after it, connect() succeeds."""

    def __init__(self, script):
        self.script = list(script)
        self.closed = 0
        self.options = []

    def setblocking(self, flag):
        assert not flag

    def setsockopt(self, *args):
        self.options.append(args)

    def connect(self, address):
        if self.script:
            error = self.script.pop(0) if len(self.script) > 1 else self.script[0]
            if error is None:
                return
            raise OSError(error, "")

    def readinto(self, buf, n):
        return None

    def write(self, buf, offset, n):
        return n

    def close(self):
        self.closed += 1


@pytest.fixture
def net(mocker):
    """A network whose addresses answer as `scripts` say; returns (clock, sockets, make it)."""
    clock = FakeClock()
    sockets = []

    def make(*scripts):
        fake = mocker.Mock(SOCK_STREAM=1, TCP_NODELAY=1)
        fake.getaddrinfo.return_value = [
            (socket.AF_INET6 if i % 2 else socket.AF_INET, 1, 6, "", ("host", i))
            for i in range(len(scripts))
        ]
        todo = iter(scripts)

        def create(family, kind, proto):
            script = next(todo)
            if script is NO_SOCKET:
                raise OSError(errno.EAFNOSUPPORT, "")
            sockets.append(FakeSocket(script))
            return sockets[-1]

        fake.socket = create
        mocker.patch("umqtt2.transport.tcp.socket", fake)
        mocker.patch("umqtt2.transport.tcp.time", clock)
        mocker.patch("umqtt2.transport.tcp.select")
        return TCPTransport("host", 1883)

    return clock, sockets, make


def test_the_first_address_that_answers_is_taken(net):
    clock, sockets, make = net
    transport = make([IN_PROGRESS, errno.EALREADY, None], [None])
    transport.open(5000)
    assert transport.sock is sockets[0]
    assert len(sockets) == 1
    assert (6, 1, 1) in sockets[0].options


@pytest.mark.parametrize("number", [106, 127, 56])
def test_already_connected_is_connected(net, number):
    _, sockets, make = net
    transport = make([IN_PROGRESS, number])
    transport.open(5000)
    assert transport.sock is sockets[0]


def test_every_address_is_tried_and_what_failed_is_closed(net):
    _, sockets, make = net
    transport = make([IN_PROGRESS, errno.ECONNREFUSED], [errno.ENETUNREACH], [IN_PROGRESS, None])
    transport.open(5000)
    assert transport.sock is sockets[2]
    assert sockets[0].closed and sockets[1].closed and not sockets[2].closed


def test_an_address_of_a_kind_that_the_system_does_not_have_is_passed_over(net):
    _, sockets, make = net
    transport = make(NO_SOCKET, [None])
    transport.open(5000)
    assert transport.sock is sockets[0]


def test_when_none_answers_the_last_error_is_raised_and_nothing_stays_open(net):
    _, sockets, make = net
    transport = make([errno.ENETUNREACH], [IN_PROGRESS, errno.ECONNREFUSED])
    with pytest.raises(OSError) as caught:
        transport.open(5000)
    assert caught.value.args[0] == errno.ECONNREFUSED
    assert all(s.closed for s in sockets)


def test_addresses_that_say_nothing_share_the_time(net):
    clock, sockets, make = net
    transport = make([IN_PROGRESS], [IN_PROGRESS], [IN_PROGRESS])
    with pytest.raises(OSError) as caught:
        transport.open(3000)
    assert caught.value.args[0] == errno.ETIMEDOUT
    assert len(sockets) == 3
    assert all(s.closed for s in sockets)
    assert 3000 <= clock.now <= 3100


def test_a_silent_address_leaves_time_for_the_next(net):
    clock, sockets, make = net
    transport = make([IN_PROGRESS], [IN_PROGRESS, None])
    transport.open(3000)
    assert transport.sock is sockets[1]
    assert clock.now < 2000


def test_without_a_limit_it_goes_on(net):
    clock, sockets, make = net
    transport = make([IN_PROGRESS] * 10_000 + [None])
    transport.open(-1)
    assert clock.now > 10_000


def test_a_name_without_addresses(net):
    _, _, make = net
    with pytest.raises(OSError):
        make().open(1000)


def test_close_twice(net):
    _, sockets, make = net
    transport = make([None])
    transport.open(1000)
    transport.close()
    transport.close()
    assert sockets[0].closed


def test_a_socket_is_closed_once(net):
    """On a system with file descriptors a second time would close somebody else's."""
    _, sockets, make = net
    transport = make([None], [None], [IN_PROGRESS, errno.ECONNREFUSED])
    transport.open(1000)
    transport.close()
    assert transport.sock is transport.pollable is None
    transport.open(1000)
    make([IN_PROGRESS, errno.ECONNREFUSED])
    with pytest.raises(OSError):
        transport.open(1000)
    transport.close()
    make([None])
    transport.open(1000)
    assert [s.closed for s in sockets] == [1, 1, 1, 0]


def test_a_close_that_fails_is_a_close(net):
    _, sockets, make = net
    transport = make([None])
    transport.open(1000)
    sockets[0].close = lambda: (_ for _ in ()).throw(OSError(5))
    transport.close()
    assert transport.sock is None


@pytest.fixture
def full_port():
    """A port whose backlog is full: who connects gets no answer."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(server.getsockname())
        yield server.getsockname()[1]
        for sock in waiting:
            sock.close()


def test_a_client_that_connects_to_a_host_that_does_not_answer_sleeps(full_port, mocker):
    transport = TCPTransport("127.0.0.1", full_port)
    client = robust.MQTTClient("id", "", transport=transport, socket_timeout=1, verbose=False)
    connects = mocker.spy(cpython.socket.socket, "connect")
    client.connect()
    assert client.last_error.args[0] == errno.ETIMEDOUT
    assert 2 <= connects.call_count <= 15


def test_waiting_for_what_is_not_open_returns(full_port):
    transport = TCPTransport("127.0.0.1", full_port)
    transport.wait(4, 1000)
    next(transport.opening(1000))
    transport.wait(4, 10)
    transport.close()
    transport.wait(4, 1000)


def test_a_broken_off_opening_is_closed(net):
    _, sockets, make = net
    transport = make([IN_PROGRESS])
    next(transport.opening(1000))
    transport.close()
    assert sockets[0].closed == 1 and transport.sock is None


@pytest.mark.parametrize("name", ["a..b", "x" * 70 + ".example", "\u00e4" * 80])
def test_a_name_that_no_host_can_have(name):
    with pytest.raises(OSError, match=name[:3]):
        TCPTransport(name).open(1000)


def test_opening_again_closes_the_old_socket(net):
    _, sockets, make = net
    transport = make([None], [None])
    transport.open(1000)
    first = transport.sock
    make([None])
    transport.open(1000)
    assert first.closed


def test_a_reset_before_anything_has_come_asks_whether_it_is_a_port_for_tls(net, mocker):
    _, sockets, make = net
    transport = make([])
    transport.open(1000)
    reset = ConnectionResetError(errno.ECONNRESET, "by peer")
    sockets[0].readinto = mocker.Mock(side_effect=[None, reset, 8, reset])
    assert transport.readinto(bytearray(8), 8) is None
    with pytest.raises(ConnectionResetError, match=r"104\] is it a port for TLS\? Then ssl=True$"):
        transport.readinto(bytearray(8), 8)
    assert transport.readinto(bytearray(8), 8) == 8
    with pytest.raises(ConnectionResetError, match="by peer"):
        transport.readinto(bytearray(8), 8)
