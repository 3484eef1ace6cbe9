"""Coming from aiomqtt and from mqtt_as: each new program on these pages does what the old one does."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from tests.docs.loop import Runner, Script, until
from tests.docs.pages import DOCS, blocks, headings, old_programs
from umqtt2.testing import FakeBroker

AIOMQTT = "from-aiomqtt.md"
MQTT_AS = "from-mqtt-as.md"
TASK_GROUP = pytest.mark.skipif(sys.version_info < (3, 11), reason="no TaskGroup")


class Played:
    """What a program did: its broker, the lines that it printed, the names that it defined."""

    def __init__(self, broker: FakeBroker, lines: list[str], names: dict[str, Any]) -> None:
        self.broker = broker
        self.lines = lines
        self.names = names


Play = Callable[..., Played]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Play:
    """Return a function that runs the program below a heading, with what stands above it on the page."""
    machine = mock.MagicMock()
    machine.Pin = Pin
    monkeypatch.setitem(sys.modules, "machine", machine)
    monkeypatch.setitem(sys.modules, "network", mock.MagicMock())
    broker = FakeBroker()
    runner = Runner(monkeypatch, broker)

    def do(page: str, heading: str, script: Script | None = None, nth: int = 0) -> Played:
        sources = blocks(DOCS / page)
        above = headings(DOCS / page)
        chosen = above.index(heading) + nth
        assert above[chosen] == heading
        names: dict[str, Any] = {"__name__": "page"}
        with monkeypatch.context() as patch:
            patch.setattr(asyncio, "run", lambda main: main.close())
            for source in sources[:chosen]:
                exec(source, names)
        runner.script = script
        exec(sources[chosen], names)
        return Played(broker, capsys.readouterr().out.splitlines(), names)

    return do


class Pin:
    """A pin that remembers its levels."""

    OUT = 1
    levels: dict[int, list[int]] = {}

    def __init__(self, number: int, mode: int, value: int) -> None:
        self.number = number
        self.levels[number] = [value]

    def value(self, level: int) -> None:
        """Set it."""
        self.levels[self.number].append(level)


def deliver(*messages: tuple[str, str], qos: int = 1, after: str) -> Script:
    """Return what delivers messages after the program has subscribed to a filter, and lets it take them."""

    async def script(broker: FakeBroker) -> None:
        await until(lambda: after.encode() in broker.subscriptions)
        for topic, payload in messages:
            broker.deliver(topic, payload, qos=qos)
        await asyncio.sleep(30)

    return script


# --- aiomqtt ------------------------------------------------------------------------------------------


def test_publish(play: Play) -> None:
    broker = play(AIOMQTT, "Publish").broker
    assert broker.published == [(b"temperature/outside", b"28.4", 0, False)]
    assert broker.disconnected


def test_listen(play: Play) -> None:
    messages = [("temperature/inside", "21"), ("temperature/outside", "9")]
    played = play(AIOMQTT, "Listen", deliver(*messages, after="temperature/#"))
    assert played.lines == ["b'21'", "b'9'"]
    assert played.broker.disconnected


def test_several_filters(play: Play) -> None:
    messages = [("humidity/inside", "40"), ("humidity/outside", "60"), ("temperature/inside", "21")]
    played = play(AIOMQTT, "Several filters", deliver(*messages, after="humidity/#"))
    assert played.lines == ["humidity inside b'40'", "outside b'60'"]


def test_messages_by_priority(play: Play) -> None:
    messages = [("temperature/inside", "21"), ("temperature/inside", "22"), ("humidity/inside", "40")]
    played = play(AIOMQTT, "Messages by priority", deliver(*messages, after="#"))
    # The first one was taken before the others came into the queue, or not.
    assert played.lines in (["b'21'", "b'40'", "b'22'"], ["b'40'", "b'21'", "b'22'"])


def test_workers_work_at_the_same_time(play: Play) -> None:
    async def script(broker: FakeBroker) -> None:
        await until(lambda: b"temperature/#" in broker.subscriptions)
        for payload in "12":
            broker.deliver("temperature/inside", payload, qos=1)
        await asyncio.sleep(4)
        assert broker.acknowledged == []
        await asyncio.sleep(2)
        assert broker.acknowledged == [1, 2]

    assert play(AIOMQTT, "Workers", script).lines == ["b'1'", "b'2'"]


@TASK_GROUP
def test_a_task_for_each_message(play: Play) -> None:
    messages = [("temperature/inside", payload) for payload in "123"]
    played = play(AIOMQTT, "A task for each message", deliver(*messages, after="temperature/#"))
    assert played.lines == ["b'1'", "b'2'", "b'3'"]
    assert played.broker.acknowledged == [1, 2, 3]


@TASK_GROUP
def test_listen_and_do_other_things(play: Play) -> None:
    async def script(broker: FakeBroker) -> None:
        await asyncio.sleep(1.5)
        broker.deliver("temperature/inside", "21")
        await asyncio.sleep(5)

    played = play(AIOMQTT, "Listen, and do other things", script)
    assert played.lines == ["something else 0", "b'21'", "something else 1", "something else 2"]


@pytest.mark.parametrize("heading", ["Stop by cancelling", "Stop after some time"])
def test_stop(play: Play, heading: str) -> None:
    async def script(broker: FakeBroker) -> None:
        await asyncio.sleep(1)
        broker.deliver("temperature/inside", "21", qos=1)
        await asyncio.sleep(3)
        assert not broker.disconnected
        await asyncio.sleep(2)
        assert broker.disconnected

    played = play(AIOMQTT, heading, script)
    assert played.lines == ["b'21'", "stopped"]
    assert played.broker.acknowledged == [1]  # the loop had asked for the next one


def test_stop_when_nothing_comes(play: Play) -> None:
    async def script(broker: FakeBroker) -> None:
        for payload in "12":
            await asyncio.sleep(8)
            broker.deliver("temperature/inside", payload)
        await asyncio.sleep(9)
        assert not broker.disconnected
        await until(lambda: broker.disconnected)

    played = play(AIOMQTT, "Stop after some time", script, nth=1)
    assert played.lines == ["b'1'", "b'2'", "nothing for ten seconds"]
    assert played.broker.disconnected


def test_timeouts(play: Play) -> None:
    def start(broker: FakeBroker) -> Any:
        write = broker.write
        broker.write = lambda *args: None if broker.connects else write(*args)

        async def script() -> None:
            await asyncio.sleep(8)
            assert broker.published == []
            broker.write = write
            await until(lambda: broker.published)

        return script()

    played = play(AIOMQTT, "Timeouts of publish and subscribe", start)
    assert "it will be delivered later" in played.lines
    assert played.broker.published == [(b"humidity/outside", b"0.38", 1, False)]


def test_share_the_client(play: Play) -> None:
    broker = play(AIOMQTT, "Share the client").broker
    assert [topic for topic, *_ in broker.published] == [b"humidity/outside", b"temperature/outside"]
    assert len(broker.connects) == 1


def test_beside_a_web_framework(play: Play) -> None:
    played = play(AIOMQTT, "Beside a web framework")
    app = mock.MagicMock()

    async def serve() -> None:
        async with played.names["lifespan"](app):
            await until(lambda: played.broker.subscriptions)
            played.broker.deliver("humidity/outside", "0.4")
            await app.client.publish("humidity/inside", "0.38")
            await asyncio.sleep(1)

    asyncio.run(serve())
    assert played.broker.disconnected
    assert played.broker.published[0][1] == b"0.38"


def test_reconnect(play: Play) -> None:
    async def script(broker: FakeBroker) -> None:
        await until(lambda: broker.subscriptions)
        broker.deliver("humidity/inside", "1")
        await asyncio.sleep(1)
        broker.forget()
        broker.drop()
        await until(lambda: broker.subscriptions)
        broker.deliver("humidity/inside", "2")
        await asyncio.sleep(1)

    lines = play(AIOMQTT, "Reconnect", script).lines
    assert [line for line in lines if line.startswith("b'")] == ["b'1'", "b'2'"]


def test_reconnect_when_there_is_no_broker_at_first(play: Play) -> None:
    async def script(broker: FakeBroker) -> None:
        await until(lambda: len(broker.connects) == 1)
        broker.return_code = 0
        await until(lambda: broker.subscriptions)

    def start(broker: FakeBroker) -> Any:
        broker.return_code = 3
        return script(broker)

    lines = play(AIOMQTT, "Reconnect", start).lines
    assert lines[-1].startswith("not connected: ")


# --- mqtt_as ------------------------------------------------------------------------------------------


def results(broker: FakeBroker) -> list[bytes]:
    """Return the payloads that were published."""
    return [payload for topic, payload, *_ in broker.published]


async def outage(broker: FakeBroker) -> None:
    """Let the broker be away for ten seconds, and keep its sessions."""
    connects = len(broker.connects)
    broker.return_code = 3
    broker.drop()
    await asyncio.sleep(10)
    broker.return_code = 0
    await until(lambda: broker.subscriptions and len(broker.connects) > connects and not broker.ended)


@pytest.mark.parametrize("heading", ["The first program", "With callbacks", "unclean"])
def test_counting_goes_on_after_an_outage(play: Play, heading: str) -> None:
    async def script(broker: FakeBroker) -> None:
        await until(lambda: results(broker) == [b"0", b"1"])
        broker.deliver("foo_topic", "before", qos=1, retain=True)
        await asyncio.sleep(1)
        await outage(broker)
        await until(lambda: results(broker)[-1:] == [b"4"])
        broker.deliver("foo_topic", "after", qos=1)
        await asyncio.sleep(1)

    played = play(MQTT_AS, heading, script)
    assert results(played.broker) == [b"0", b"1", b"2", b"3", b"4"]
    lines = [line for line in played.lines if "foo_topic" in line]
    assert lines == ["b'foo_topic' b'before' True", "b'foo_topic' b'after' False"]
    assert all(connect["clean"] is False for connect in played.broker.connects)


def test_range(play: Play) -> None:
    async def script(broker: FakeBroker) -> None:
        await until(lambda: results(broker) == [b"0 outages: 0"])
        broker.deliver("foo_topic", "hello", qos=1)
        await asyncio.sleep(2)
        await outage(broker)
        await until(lambda: b"outages: 1" in results(broker)[-1])

    played = play(MQTT_AS, "range", script)
    assert "foo_topic hello False" in played.lines
    assert Pin.levels[2] == [0, 1, 0]
    assert Pin.levels[15][:4] == [0, 1, 0, 1]
    assert played.broker.connects[0]["will"] == (b"shed", b"Goodbye cruel world!", 0, False)
    assert played.broker.connects[0]["keepalive"] == 120


def test_wifi(play: Play) -> None:
    board = sys.modules["network"].WLAN()
    board.isconnected.side_effect = [False, True]
    wifi = play(MQTT_AS, "Wi-Fi").names["wifi"]
    assert not wifi.bring_up()
    assert board.connect.call_args == mock.call("name of the network", "its password")
    assert wifi.bring_up()


def test_clean(play: Play) -> None:
    async def script(broker: FakeBroker) -> None:
        await until(lambda: results(broker) == [b"0"])
        await outage(broker)
        await until(lambda: results(broker)[-1:] == [b"3"])
        broker.deliver("foo_topic", "after", qos=1)
        await asyncio.sleep(1)

    played = play(MQTT_AS, "clean", script)
    assert "b'foo_topic' b'after' False" in played.lines
    assert all(connect["clean"] is True for connect in played.broker.connects)


def test_unclean_with_a_clean_start(play: Play) -> None:
    async def script(broker: FakeBroker) -> None:
        await until(lambda: results(broker) == [b"0"])

    broker = play(MQTT_AS, "unclean", script, nth=1).broker
    assert [connect["clean"] for connect in broker.connects] == [True, False]


def test_a_fast_connect_before_deep_sleep(play: Play) -> None:
    async def script(broker: FakeBroker) -> None:
        await until(lambda: broker.subscriptions)
        broker.deliver("foo_topic", "waited", qos=1)
        await until(lambda: broker.disconnected)

    played = play(MQTT_AS, "A fast connect, before deep sleep", script)
    assert played.lines == ["b'waited'"]
    assert results(played.broker) == [b"light 1234"]
    assert played.broker.acknowledged == [1]
    assert played.broker.disconnected
    assert sys.modules["machine"].deepsleep.call_args == mock.call(60000)


def test_a_fast_connect_without_a_broker(play: Play) -> None:
    def start(broker: FakeBroker) -> Any:
        broker.silent = True
        return asyncio.sleep(30)

    lines = play(MQTT_AS, "A fast connect, before deep sleep", start).lines
    assert any(line.startswith("not this time: ") for line in lines)


# --- Both ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [AIOMQTT, MQTT_AS])
def test_each_old_program_is_valid_and_has_a_new_one(page: str) -> None:
    old = old_programs(DOCS / page)
    for source in old:
        compile(source, page, "exec")
    assert len(blocks(DOCS / page)) > len(old) >= 6
