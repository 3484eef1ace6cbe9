"""Wi-Fi for `network=`: three kinds of boards, and the clients that wait for it."""

from __future__ import annotations

import asyncio
import errno
import sys
from types import SimpleNamespace

import pytest

from tests.device.programs.air import Air
from tests.unit.aio_program import client_of, run
from tests.unit.program import App, pass_time
from umqtt2 import errno as numbers
from umqtt2 import reconnect, robust, wifi
from umqtt2.testing import FakeBroker, FakeClock
from umqtt2.wifi import Wifi

KINDS = ["esp32", "esp8266", "rp2"]
NAME, PASSWORD = "home", "right password"


@pytest.fixture
def broker(mocker):
    mocker.patch.object(reconnect, "urandom", return_value=b"\xff\xff")
    broker = FakeBroker(FakeClock())
    mocker.patch.object(wifi, "time", broker.clock)
    return broker


@pytest.fixture(params=KINDS)
def air(request, broker, mocker):
    """The board's `network`, with a network around it."""
    air = Air(request.param, broker.clock)
    air.networks[NAME] = PASSWORD
    mocker.patch.dict(sys.modules, network=air)
    return air


@pytest.fixture
def robustly(broker, air):
    """Make an App with a robust client that brings Wi-Fi up."""

    def make(password=PASSWORD, **options):
        return App(
            broker,
            robust.MQTTClient,
            **{"verbose": False, "backoff": (1, 60), "network": Wifi(NAME, password), **options},
        )

    return make


def bring_up(network, clock, step_ms=50, steps=10000):
    """Take steps until the network is there; return how many it took."""
    for number in range(steps):
        if network.bring_up():
            return number
        clock.advance(step_ms)
    raise AssertionError("it never comes up")


# --- Wifi alone -----------------------------------------------------------------------------------------------


def test_it_joins(air, broker):
    assert bring_up(Wifi(NAME, PASSWORD), broker.clock)
    assert air.station.isconnected()
    assert air.station.calls == ["on", "connect"]


def test_it_joins_a_network_without_a_password(air, broker):
    air.networks["open"] = None
    bring_up(Wifi("open"), broker.clock)


def test_a_board_in_a_network_is_left_alone(air, broker):
    air.station.active(True)
    air.station.connect(NAME, PASSWORD)
    broker.clock.advance(10000)
    air.station.calls.clear()
    assert Wifi(NAME, PASSWORD).bring_up()
    assert air.station.calls == []


def test_a_board_that_is_joining_is_left_alone(air, broker):
    air.station.active(True)
    air.station.connect(NAME, PASSWORD)
    air.station.calls.clear()
    bring_up(Wifi(NAME, PASSWORD), broker.clock)
    assert air.station.calls == ([] if air.kind == "esp8266" else ["on"])


def test_a_board_that_is_joining_another_network_is_told_the_right_one(air, broker):
    air.station.active(True)
    air.station.connect("elsewhere", PASSWORD)
    bring_up(Wifi(NAME, PASSWORD), broker.clock)
    assert air.station.isconnected()


def test_a_wrong_password_is_told_with_the_name(air, broker):
    with pytest.raises(OSError) as e:
        bring_up(Wifi(NAME, "wrong"), broker.clock)
    assert e.value.args == ("wifi: wrong password for home",)
    assert reconnect.is_permanent(e.value)


def test_a_missing_network_is_told_with_the_name(air, broker):
    with pytest.raises(OSError) as e:
        bring_up(Wifi("nowhere", PASSWORD), broker.clock)
    assert e.value.args == (errno.EHOSTUNREACH, "wifi: nowhere not found; is it 2.4 GHz?")
    assert not reconnect.is_permanent(e.value)


def test_one_false_alarm_is_not_a_wrong_password(air, broker):
    air.false_alarms = 1
    bring_up(Wifi(NAME, PASSWORD), broker.clock)


def test_it_joins_after_it_has_failed(air, broker):
    network = Wifi("later", PASSWORD)
    for _ in range(3):
        with pytest.raises(OSError):
            bring_up(network, broker.clock)
    air.networks["later"] = PASSWORD
    bring_up(network, broker.clock)


def test_it_takes_as_long_as_the_timeout_allows(air, broker, mocker):
    mocker.patch("tests.device.programs.air.JOIN_MS", 10**9)
    with pytest.raises(OSError, match="wifi: cannot join home "):
        bring_up(Wifi(NAME, PASSWORD, timeout=30), broker.clock)
    assert 29000 < broker.clock.elapsed < 32000


def test_a_program_that_looks_seldom_joins(air, broker):
    assert bring_up(Wifi(NAME, PASSWORD), broker.clock, step_ms=60000) == 1


def test_a_program_that_looks_seldom_hears_why_not(air, broker):
    with pytest.raises(OSError, match="wrong password"):
        bring_up(Wifi(NAME, "wrong"), broker.clock, step_ms=60000)


def test_an_interrupted_attempt_goes_on_later(air, broker):
    network = Wifi(NAME, PASSWORD)
    network.bring_up()
    air.networks.clear()
    broker.clock.advance(100000000)
    air.networks[NAME] = PASSWORD
    bring_up(network, broker.clock)


def test_settings_are_made_each_time(air, broker):
    if air.kind == "esp8266":
        return
    network = Wifi("later", PASSWORD, pm=0xA11140)
    with pytest.raises(OSError):
        bring_up(network, broker.clock)
    air.station.settings.clear()
    air.networks["later"] = PASSWORD
    bring_up(network, broker.clock)
    assert air.station.settings == {"pm": 0xA11140}


def test_the_interface_is_switched_off_after_a_failure_but_on_an_esp8266(air, broker):
    with pytest.raises(OSError):
        bring_up(Wifi("nowhere"), broker.clock)
    assert ("off" in air.station.calls) == (air.kind != "esp8266")


def test_another_interface(air, broker):
    air.WLAN = None
    bring_up(Wifi(NAME, PASSWORD, wlan=air.station), broker.clock)


@pytest.mark.parametrize("air", ["esp32"], indirect=True)
def test_an_esp32_in_the_network_joins_again_by_itself(air, broker):
    network = Wifi(NAME, PASSWORD)
    bring_up(network, broker.clock)
    assert network.bring_up()
    air.networks.clear()
    for _ in range(1000):
        broker.clock.advance(500)
        assert not air.station.isconnected()
    air.networks[NAME] = PASSWORD
    broker.clock.advance(500)
    air.station.isconnected()
    broker.clock.advance(500)
    assert air.station.isconnected()


@pytest.mark.parametrize("air", ["esp32"], indirect=True)
@pytest.mark.parametrize(("networks", "words"), [({}, "home not found"), ({NAME: "another"}, "wrong password")])
def test_an_esp32_that_boot_py_told_to_join_says_why_it_cannot(air, broker, networks, words):
    air.networks = networks
    air.station.active(True)
    air.station.connect(NAME, PASSWORD)
    with pytest.raises(OSError, match=words):
        bring_up(Wifi(NAME, PASSWORD, timeout=2.5), broker.clock)


@pytest.mark.parametrize("air", ["esp8266"], indirect=True)
def test_the_flash_of_an_esp8266_is_written_once(air, broker):
    network = Wifi(NAME, PASSWORD)
    bring_up(network, broker.clock)
    before = air.writes
    for networks in ({}, {NAME: "another"}):
        air.networks = networks
        for _ in range(5):
            with pytest.raises(OSError):
                bring_up(network, broker.clock)
    air.networks = {NAME: PASSWORD}
    bring_up(network, broker.clock)
    assert air.writes == before


@pytest.mark.parametrize("air", ["esp8266"], indirect=True)
def test_an_esp8266_learns_a_new_password(air, broker):
    air.flash = (NAME, "old password")
    bring_up(Wifi(NAME, PASSWORD), broker.clock)
    assert air.flash == (NAME, PASSWORD)


@pytest.mark.parametrize("air", ["esp32"], indirect=True)
def test_what_the_board_raises_without_a_number_is_the_networks(air, broker, mocker):
    mocker.patch.object(air.station, "active", side_effect=RuntimeError("Wifi Unknown Error 0x0101"))
    with pytest.raises(OSError) as e:
        Wifi(NAME, PASSWORD).bring_up()
    assert e.value.args == (errno.EIO, "wifi: Wifi Unknown Error 0x0101")


@pytest.mark.parametrize("air", ["esp32"], indirect=True)
def test_what_connect_raises_is_told(air, broker, mocker):
    mocker.patch.object(air.station, "connect", side_effect=OSError("Wifi Internal Error"))
    with pytest.raises(OSError) as e:
        bring_up(Wifi(NAME, PASSWORD), broker.clock)
    assert e.value.args == (errno.EHOSTUNREACH, "wifi: cannot join home (Wifi Internal Error)")


def test_a_port_without_names_for_its_numbers(broker, mocker):
    air = Air("rp2", broker.clock)
    air.networks[NAME] = PASSWORD
    mocker.patch.dict(sys.modules, network=SimpleNamespace(STA_IF=0, WLAN=air.WLAN))
    bring_up(Wifi(NAME, PASSWORD), broker.clock)
    air.networks.clear()
    broker.clock.advance(1000)
    with pytest.raises(OSError, match="not found"):
        bring_up(Wifi(NAME, PASSWORD), broker.clock)


# --- umqtt2.robust --------------------------------------------------------------------------------------------


def test_robust_joins_then_connects(robustly, air):
    a = robustly()
    assert a.client.connect() is False
    assert a.client.is_connected()
    assert air.station.isconnected()


def test_a_network_that_comes_up_late(robustly, air):
    del air.networks[NAME]
    a = robustly()
    a.client.connect()
    assert a.client.last_error.args == (errno.EHOSTUNREACH, "wifi: home not found; is it 2.4 GHz?")
    air.networks[NAME] = PASSWORD
    pass_time(a, 20)
    assert a.client.is_connected()


def test_joining_may_take_longer_than_socket_timeout(robustly, air, mocker):
    mocker.patch("tests.device.programs.air.JOIN_MS", 9000)
    a = robustly(socket_timeout=2)
    a.client.connect()
    assert a.client.is_connected()


def test_socket_timeout_counts_when_the_network_is_there(robustly, air, broker):
    broker.silent = True
    a = robustly(socket_timeout=2)
    a.client.connect()
    assert a.client.last_error.args == (numbers.ECONTIMEOUT,)
    assert broker.clock.elapsed < 10000


def test_a_wrong_password_waits_long_for_the_next_attempt(robustly, air):
    a = robustly("wrong")
    a.client.connect()
    assert a.client.last_error.args == ("wifi: wrong password for home",)
    calls = len(air.station.calls)
    pass_time(a, 25)
    assert len(air.station.calls) == calls


def test_lost_in_the_middle_and_back(robustly, air, broker):
    a = robustly()
    a.client.connect()
    air.networks.clear()
    broker.drop()
    pass_time(a, 120)
    assert not a.client.is_connected()
    assert a.client.publish("t", "kept", qos=1)
    air.networks[NAME] = PASSWORD
    pass_time(a, 60)
    assert a.client.is_connected()
    assert (b"t", b"kept", 1, False) in broker.published


def test_no_step_waits(robustly, air, broker):
    a = robustly()
    a.client.connect()
    air.networks.clear()
    broker.drop()
    for _ in range(2000):
        before = broker.clock.elapsed
        a.client.check_msg()
        assert broker.clock.elapsed == before
        broker.clock.advance(50)


def test_robust_leaves_at_once_while_it_is_joining(robustly, air, broker):
    a = robustly()
    a.client.connect()
    air.networks.clear()
    broker.drop()
    while not a.client.connection.state or a.client.is_connected():
        pass_time(a, 0.1)
    before = broker.clock.elapsed
    a.client.disconnect()
    assert broker.clock.elapsed == before
    assert not a.client.connection.state
    air.networks[NAME] = PASSWORD
    a.client.connect()
    assert a.client.is_connected()


def test_without_a_network_nothing_of_the_boards_is_touched(robustly, air):
    a = robustly(network=None)
    a.client.connect()
    assert a.client.is_connected()
    assert air.station.calls == []


def test_a_network_of_the_programs_own(robustly, air):
    class Modem:
        steps = 3

        def bring_up(self):
            self.steps -= 1
            return self.steps <= 0

    a = robustly(network=Modem())
    a.client.connect()
    assert a.client.is_connected()


@pytest.mark.parametrize("transport", ["opening", "open"])
def test_a_transport_opens_when_the_network_is_there(air, broker, transport):
    opened = []

    class Transport:
        def __getattr__(self, name):
            return getattr(broker, name)

        def open(self, timeout_ms):
            opened.append(air.station.isconnected())
            broker.open(timeout_ms)

    def opening(self, timeout_ms):
        self.open(timeout_ms)
        yield

    if transport == "opening":
        Transport.opening = opening
    a = App(Transport(), robust.MQTTClient, verbose=False, network=Wifi(NAME, PASSWORD))
    a.client.connect()
    assert a.client.is_connected()
    assert opened == [True]


def test_a_transport_that_fails_to_open_is_tried_again(robustly, air, broker):
    broker.fail_open = OSError(111)
    a = robustly()
    a.client.connect()
    assert a.client.last_error.args == (111,)
    broker.fail_open = None
    pass_time(a, 5)
    assert a.client.is_connected()


@pytest.mark.parametrize(("error", "again"), [(110, True), (-2, True), (111, False)])
def test_a_board_that_reaches_nothing_joins_anew(robustly, air, broker, mocker, error, again):
    a = robustly()
    a.client.connect()
    air.station.calls.clear()
    fails = mocker.patch.object(broker, "open", side_effect=OSError(error))
    broker.drop()
    pass_time(a, 600)
    assert ("disconnect" in air.station.calls) == again
    mocker.stop(fails)
    pass_time(a, 120)
    assert a.client.is_connected()


def test_attempts_that_do_not_reach_the_broker_count_in_a_row(robustly, air, broker, mocker):
    a = robustly(backoff=(1, 1))
    a.client.connect()
    air.station.calls.clear()
    for _ in range(4):
        fails = mocker.patch.object(broker, "open", side_effect=OSError(110))
        broker.drop()
        while fails.call_count < 3:
            pass_time(a, 0.1)
        mocker.stop(fails)
        pass_time(a, 3)
        assert a.client.is_connected()
    assert air.station.calls == []


@pytest.mark.parametrize("network", [Wifi, ("home", "password"), "home"])
def test_what_is_not_a_network_is_told(robustly, air, network):
    with pytest.raises(TypeError, match="network: "):
        robustly(network=network)
    with pytest.raises(TypeError, match="network: "):
        client_of(FakeBroker(), network=network)


# --- umqtt2.aio -----------------------------------------------------------------------------------------------


def play(broker, scene, password=PASSWORD, **options):
    client = client_of(broker, network=Wifi(NAME, password), **options)
    return run(scene(client), broker.clock)


def test_aio_joins_then_connects(air, broker):
    async def scene(client):
        async with client:
            await client.publish("t", "m", qos=1)

    play(broker, scene)
    assert broker.published == [(b"t", b"m", 1, False)]


@pytest.mark.parametrize(
    ("networks", "words"), [({}, "home not found"), ({NAME: "another"}, "wrong password for home")]
)
def test_aio_raises_why_it_cannot_join(air, broker, networks, words):
    air.networks = networks

    async def scene(client):
        with pytest.raises(OSError, match=words):
            await client.connect()

    play(broker, scene)


def test_aio_lost_in_the_middle_and_back(air, broker):
    async def scene(client):
        async with client:
            air.networks.clear()
            broker.drop()
            await client.down.wait()
            task = asyncio.create_task(client.publish("t", "kept", qos=1))
            await asyncio.sleep(60)
            assert "not found" in str(client.last_error)
            air.networks[NAME] = PASSWORD
            await task

    play(broker, scene)
    assert broker.published == [(b"t", b"kept", 1, False)]


def test_aio_is_cancelled_at_once_while_it_is_joining(air, broker):
    async def scene(client):
        task = asyncio.create_task(client.connect())
        await asyncio.sleep(0.1)
        before = broker.clock.elapsed
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert broker.clock.elapsed == before
        async with client:
            assert client.is_connected()

    play(broker, scene)


def test_aio_leaves_at_once_while_it_is_joining(air, broker):
    async def scene(client):
        async with client:
            air.networks.clear()
            broker.drop()
            await client.down.wait()
            await asyncio.sleep(1)
            before = broker.clock.elapsed
        assert broker.clock.elapsed == before

    play(broker, scene)


def test_other_tasks_go_on_while_it_is_joining(air, broker):
    async def scene(client):
        turns = 0
        task = asyncio.create_task(client.connect())
        while not task.done():
            await asyncio.sleep(0.01)
            turns += 1
        await client.disconnect()
        return turns

    assert play(broker, scene) > 10


def test_a_transport_that_fails_without_a_number_is_a_failed_attempt(broker, air, robustly):
    a = robustly()
    broker.fail_open = OSError()
    a.client.connect()
    pass_time(a, 30)
    assert isinstance(a.client.last_error, OSError)
    pass_time(a, 30)
    assert a.client.is_connected()
