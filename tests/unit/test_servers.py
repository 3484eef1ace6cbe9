"""A client with a list of servers: umqtt2.robust and umqtt2.aio."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.aio_program import run
from tests.unit.program import App, pass_time
from umqtt2 import MQTTException, aio, errno, reconnect, robust, start
from umqtt2.testing import FakeBroker, FakeClock

REFUSED = OSError(111)
WRONG_PASSWORD = 5
SERVERS = ["a", ("b", 1884), "c"]


class Network:
    """A FakeBroker for each server, and the order in which they were called."""

    def __init__(self, clock):
        self.clock = clock
        self.brokers = {name: FakeBroker(clock) for name in "abc"}
        self.calls = []
        self.away = set()

    def transport(self, client):
        name = client.server
        self.calls.append((name, client.port))
        broker = self.brokers[name]
        if name in self.away:
            broker.fail_open = OSError(111)
        return broker

    def names(self):
        names = "".join(name for name, _ in self.calls)
        self.calls.clear()
        return names


@pytest.fixture
def network(mocker):
    mocker.patch.object(reconnect, "urandom", return_value=b"\xff\xff")
    network = Network(FakeClock())
    mocker.patch.object(start, "new_transport", network.transport)
    return network


@pytest.fixture
def robustly(network):
    """Make an App with a robust client of several servers."""

    def make(server=SERVERS, **options):
        a = App.__new__(App)
        a.client = robust.MQTTClient("id", server, clock=network.clock, verbose=False, **options)
        a.clock = network.clock
        a.ups = []
        a.client.set_callback_connection(lambda up: a.ups.append((up, a.client.server)))
        return a

    return make


def test_the_first_one_that_answers_is_taken_at_once(network, robustly):
    network.away = {"a", "b"}
    a = robustly()
    a.client.connect()
    assert a.client.is_connected()
    assert network.calls == [("a", 1883), ("b", 1884), ("c", 1883)]
    assert (a.client.server, a.client.port) == ("c", 1883)
    assert a.ups == [(True, "c")]
    assert network.clock.elapsed == 0


def test_the_port_is_that_of_all_without_one(network, robustly):
    network.away = {"a", "b", "c"}
    robustly(port=1999).client.connect()
    assert network.calls == [("a", 1999), ("b", 1884), ("c", 1999)]


def test_the_last_error_says_which_server_it_was(network, robustly):
    network.away = {"a", "b"}
    a = robustly()
    a.client.connect()
    assert a.client.last_error.args == (111, "b:1884")
    network.brokers["c"].return_code = WRONG_PASSWORD
    network.brokers["c"].drop()
    a.client.check_msg()
    assert a.client.last_error.args == (errno.ECONCLOSE, "c:1883")


def test_a_text_in_the_error_stays(network, robustly):
    a = robustly(["a"])
    network.brokers["a"].fail_open = OSError("certificate is not valid")
    a.client.connect()
    assert a.client.last_error.args == ("certificate is not valid, a:1883",)


class NoModem(OSError):
    """A program's own."""

    def __init__(self):
        super().__init__("no modem")


class NoSignal(OSError):
    """Another one, which takes numbers."""

    def __init__(self, *numbers):
        super().__init__("no modem")
        self.strength = sum(map(int, numbers))


class Modem:
    """A network that is not there at first."""

    away = True
    error = NoModem

    def bring_up(self):
        if self.away:
            raise self.error
        return True


@pytest.mark.parametrize("error", [NoModem, NoSignal])
def test_an_error_of_a_class_with_other_arguments_goes_on_to_the_next_server(network, robustly, capsys, error):
    modem = Modem()
    modem.error = error
    a = robustly(network=modem)
    a.client.verbose = True
    a.client.connect()
    assert isinstance(a.client.last_error, error)
    assert capsys.readouterr().out == "umqtt2: no connection: no modem\n"
    modem.away = False
    network.away = {"a"}
    pass_time(a, 61)
    assert network.names() == "abcab"  # a transport each in the round without a modem, then two that were opened
    assert a.client.is_connected()


def test_all_are_away(network, robustly):
    network.away = {"a", "b", "c"}
    a = robustly(backoff=(2, 60))
    a.client.connect()
    assert network.names() == "abc"
    pass_time(a, 1.5)
    assert network.names() == ""
    pass_time(a, 1)
    assert network.names() == "abc"
    pass_time(a, 3)
    assert network.names() == ""  # a round is one failure, and the pause twice as long
    pass_time(a, 1.5)
    assert network.names() == "abc"
    network.away = {"a"}
    pass_time(a, 10)
    assert network.names() == "ab"
    assert a.ups == [(True, "b")]


def test_a_connection_that_has_lasted_is_made_with_its_own_server_again(network, robustly):
    network.away = {"a"}
    a = robustly()
    a.client.connect()
    network.away = set()
    network.names()
    for _ in range(5):
        pass_time(a, 5)
        a.client.ping()
        pass_time(a, 0.2)
    network.brokers["b"].drop()
    pass_time(a, 2)
    assert network.names() == "b"
    assert a.client.is_connected()


def test_the_next_one_follows_when_it_is_away(network, robustly):
    a = robustly()
    a.client.connect()
    for _ in range(5):
        a.client.ping()
        pass_time(a, 1)
    network.names()
    network.away = {"a"}
    network.brokers["a"].drop()
    pass_time(a, 2)
    assert network.names() == "ab"
    assert a.client.is_connected()


def test_a_server_that_accepts_and_closes_is_left(network, robustly):
    a = robustly()
    a.client.connect()
    for _ in range(60):
        network.brokers["a"].ended = True
        pass_time(a, 1)
    assert a.client.is_connected()
    assert a.client.server == "b"


def test_a_wrong_password_at_one_of_them(network, robustly):
    network.brokers["a"].return_code = WRONG_PASSWORD
    a = robustly()
    a.client.connect()
    assert a.client.is_connected()
    assert [up for up, _ in a.ups] == [False, True]
    assert a.client.last_error.args == (errno.ECONAUTH, WRONG_PASSWORD, "a:1883")
    assert network.names() == "ab"


@pytest.mark.parametrize("wrong", ["a", "b", "c"])
def test_the_pause_is_long_where_all_refuse_for_good(network, robustly, wrong):
    network.away = {"a", "b", "c"} - {wrong}
    network.brokers[wrong].return_code = WRONG_PASSWORD
    a = robustly(backoff=(1, 100))
    a.client.connect()
    network.names()
    pass_time(a, 3)
    assert network.names() == "abc"  # one of them may come back
    network.away = set()
    for broker in network.brokers.values():
        broker.return_code = WRONG_PASSWORD
    pass_time(a, 5)
    network.names()
    pass_time(a, 45)
    assert network.names() == ""
    pass_time(a, 60)
    assert network.names() == "abc"


def test_a_program_that_leaves_when_it_is_refused_makes_no_more_attempts(network, robustly):
    network.brokers["a"].return_code = WRONG_PASSWORD
    a = robustly()
    a.client.set_callback_connection(lambda up: a.client.disconnect())
    a.client.connect()
    with pytest.raises(MQTTException):
        a.client.check_msg()
    assert network.names() == "a"


def test_subscriptions_and_messages_are_taken_along(network, robustly):
    a = robustly(["a", "b"])
    a.client.set_callback(print)
    a.client.connect()
    a.client.subscribe("s", 1)
    pass_time(a, 1)
    network.brokers["a"].hold = True
    a.client.publish("t", "m", qos=1)
    network.away = {"a"}
    network.brokers["a"].drop()
    # The other one has a session of this client, from before.
    other = robust.MQTTClient("id", "b", clock=network.clock, verbose=False)
    other.connect()
    other.disconnect()
    pass_time(a, 5)
    assert network.brokers["b"].subscriptions == {b"s": 1}
    assert network.brokers["b"].published == [(b"t", b"m", 1, False)]


def test_a_list_of_one(network, robustly):
    network.away = {"a"}
    a = robustly([("a", 1900)])
    a.client.connect()
    assert network.names() == "a"
    network.away = set()
    pass_time(a, 3)
    assert network.names() == "a"
    assert a.client.is_connected()


@pytest.mark.parametrize("make", [robust.MQTTClient, aio.MQTTClient])
@pytest.mark.parametrize(
    "server", [[1], [b"a"], [("a",)], [("a", "1883")], ("a", 1883), [["a", 1]], [("a", 1, 2)], [None]]
)
def test_what_is_no_server_is_named(make, server):
    with pytest.raises(TypeError, match=r"^server: not a name or \(name, port\) but \w+$"):
        make("id", server)


@pytest.mark.parametrize("make", [robust.MQTTClient, aio.MQTTClient])
def test_lists_that_make_no_sense(make):
    with pytest.raises(ValueError, match="^server: an empty list"):
        make("id", [])
    with pytest.raises(ValueError, match="^server: a list, and a transport"):
        make("id", ["a", "b"], transport=FakeBroker())


def test_a_client_may_connect_anew(network, robustly):
    network.away = {"a", "b", "c"}
    a = robustly()
    for _ in range(3):
        assert a.client.connect() is False
        assert network.names() == "abc"
    a.client.disconnect()
    network.away = set()
    a.client.connect()
    assert a.client.is_connected()


def test_the_printed_lines_say_which(network, robustly, capsys):
    network.away = {"a"}
    network.brokers["b"].return_code = WRONG_PASSWORD
    client = robustly(["a", ("b", 1884)]).client
    client.verbose = True
    client.connect()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert "a:1883" in lines[0]
    assert "b:1884" in lines[1]


# --- asyncio -----------------------------------------------------------------------------------------


def client_of(network, server=SERVERS, **options):
    return aio.MQTTClient("id", server, clock=network.clock, verbose=False, **{"backoff": (0.05, 0.05), **options})


def test_asyncio_takes_the_first_one_that_answers(network):
    network.away = {"a"}
    network.brokers["b"].return_code = WRONG_PASSWORD

    async def main():
        async with client_of(network) as client:
            assert client.is_connected()
            assert (client.server, client.port) == ("c", 1883)
            await client.publish("t", "m", qos=1)

    run(main(), network.clock)
    assert network.names() == "abc"
    assert network.brokers["c"].published == [(b"t", b"m", 1, False)]


def test_asyncio_raises_the_last_error_when_all_are_away(network):
    network.away = {"a", "b", "c"}

    async def main():
        with pytest.raises(OSError) as caught:
            async with client_of(network):
                raise AssertionError("connected")
        assert caught.value.args == (111, "c:1883")

    run(main(), network.clock)
    assert network.names() == "abc"


def test_asyncio_goes_on_to_the_next(network):
    async def main():
        async with client_of(network) as client:
            network.away = {"a", "b"}
            network.brokers["a"].drop()
            await client.down.wait()
            await client.publish("t", "m", qos=1)
            assert client.server == "c"

    run(main(), network.clock)
    assert network.names()[-3:] == "abc"
    assert network.brokers["c"].published == [(b"t", b"m", 1, False)]


def test_connect_now_tries_a_whole_round(network):
    async def main():
        async with client_of(network, backoff=(100, 100)) as client:
            network.away = {"a", "b", "c"}
            network.brokers["a"].drop()
            await client.down.wait()
            network.names()
            assert await client.connect_now() is False
            assert sorted(network.names()) == ["a", "b", "c"]
            network.away = {"a", "b"}
            assert await client.connect_now() is True
            assert client.server == "c"

    run(main(), network.clock)


def test_leaving_amid_a_round(network):
    network.away = {"b"}
    network.brokers["a"].silent = True

    async def main():
        client = client_of(network)
        entering = asyncio.create_task(client.connect())
        await asyncio.sleep(1)
        await client.disconnect()
        with pytest.raises(MQTTException):
            await entering

    run(main(), network.clock)
    assert network.names() == "a"
