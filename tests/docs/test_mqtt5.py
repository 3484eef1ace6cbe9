"""docs/mqtt5.md: its programs do what the page says, and its figures are those of tools.measure wire."""

from __future__ import annotations

import argparse
import sys
import time
import types

import pytest

from tests.docs.loop import Runner
from tests.docs.pages import DOCS, blocks, headings
from tests.docs.test_code import Broker, Enough
from tools.measure import published, wire
from umqtt2.testing import decode_properties

PAGE = DOCS / "mqtt5.md"
SECONDS = 1000  # after which an endless program is ended


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    """The broker of the program that is run; the program's pauses pass at once, on its clock."""
    made = Broker()
    made.waited = -SECONDS * 1000  # pauses are counted in sleep()
    end = made.clock.elapsed + SECONDS * 1000

    def sleep(seconds: float) -> None:
        made.clock.advance(round(seconds * 1000))
        if made.clock.elapsed > end:
            raise Enough

    stand_in = types.ModuleType("time")
    stand_in.localtime = time.localtime  # type: ignore[attr-defined]
    stand_in.sleep = sleep  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "time", stand_in)
    monkeypatch.setattr("umqtt2.cpython.clock.ticks_ms", made.clock.ticks_ms)
    monkeypatch.setattr("umqtt2.cpython.clock.sleep_ms", made.clock.sleep_ms)
    Runner(monkeypatch, made)
    return made


def play(heading: str, nth: int = 0) -> None:
    """Run the program below a heading of the page."""
    source = blocks(PAGE)[headings(PAGE).index(heading) + nth]
    try:
        exec(compile(source, heading, "exec"), {"__name__": "page"})
    except Enough:
        pass


def test_the_first_one_is_told_that_each_reading_arrives(broker: Broker, capsys: pytest.CaptureFixture[str]) -> None:
    source = blocks(PAGE)[0]
    with pytest.raises(Enough):
        exec(source, {"__name__": "page"})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 90 and all("arrived 0" in line for line in lines)
    assert decode_properties(broker.published_properties[0]) == {2: 600, 3: b"celsius"}


def test_messages_with_properties(broker: Broker, capsys: pytest.CaptureFixture[str]) -> None:
    broker.echo = True
    play("Messages with properties")
    line = capsys.readouterr().out.strip()
    assert f"It prints `{line}`" in PAGE.read_text()
    assert broker.connects[0]["will_properties"] == b"\x18\0\0\0\x1e"


def test_messages_that_expire(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    # There is no network in the first 800 seconds.
    def fail() -> OSError | None:
        return OSError(113) if broker.clock.elapsed < 800_000 else None

    opens = broker.open
    monkeypatch.setattr(broker, "open", lambda ms: _raise(fail()) or opens(ms))
    play("Messages that expire")
    left = [decode_properties(found)[2] for found in broker.published_properties]
    assert left[0] <= 60 and max(left) == 300  # one a minute
    assert 5 < len(left) < 12


def _raise(error: OSError | None) -> None:
    if error:
        raise error


def test_a_question(broker: Broker, capsys: pytest.CaptureFixture[str]) -> None:
    play("Questions and answers")
    assert capsys.readouterr().out == "b'clock/now'\n"


def test_nobody_answers(broker: Broker, capsys: pytest.CaptureFixture[str]) -> None:
    broker.answered = 100
    play("Questions and answers")
    assert capsys.readouterr().out == "nobody has answered\n"


def test_questions_with_asyncio(broker: Broker, capsys: pytest.CaptureFixture[str]) -> None:
    play("Questions and answers", 1)
    assert capsys.readouterr().out == "[b'clock/now', b'clock/zone']\n"


def test_who_answers(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    def deliver() -> None:
        if b"clock/now" in broker.subscriptions and not broker.acknowledged:
            broker.deliver("clock/now", "", qos=1, properties={8: b"to/me", 9: b"42"})
            broker.deliver("clock/now", "", qos=1)

    advance = broker.clock.advance
    monkeypatch.setattr(broker.clock, "advance", lambda ms: (deliver(), advance(ms)))
    play("Questions and answers", 2)
    assert broker.published[0][0] == b"to/me" and b":" in broker.published[0][1]
    assert decode_properties(broker.published_properties[0]) == {9: b"42"}
    assert len(broker.published) < len(broker.acknowledged)


def test_subscriptions(broker: Broker, capsys: pytest.CaptureFixture[str]) -> None:
    subscribe = broker._subscribe

    def deliver(body: bytes) -> None:
        subscribe(body)
        if b"hall/#" in broker.subscriptions:
            broker.publish("hall/light", "on")
            broker.subscriptions.pop(b"hall/#")

    broker._subscribe = deliver
    play("Subscriptions")
    assert capsys.readouterr().out == "a command: b'on'\n"
    assert broker.subscription_options == {b"hall/#": 0x2D, b"$share/lights/jobs": 1}


@pytest.mark.parametrize(
    "reason, line", [(0x10, "nobody hears the bell\n"), (0x97, "refused: 0x97 b'full'\n"), (0, "")]
)
def test_reasons(broker: Broker, capsys: pytest.CaptureFixture[str], reason: int, line: str) -> None:
    broker.reasons[0x40] = reason
    broker.properties[0x40] = {31: b"full"}
    play("Reasons")
    assert capsys.readouterr().out == line
    assert broker.disconnect_reason == 4


@pytest.mark.parametrize("size, qos, code", [(0, 2, 0), (1000, 2, 0x95), (0, 1, 0x9B)])
def test_limits(broker: Broker, capsys: pytest.CaptureFixture[str], size: int, qos: int, code: int) -> None:
    said = f"the broker does not take it: 0x{code:02x}\n" if code else ""
    broker.maximum_packet_size = size
    broker.maximum_qos = qos
    play("The broker's limits")
    assert capsys.readouterr().out == f"largest packet: {size or None} highest QoS: {qos}\n{said}"


def test_short_topics(broker: Broker) -> None:
    broker.topic_alias_maximum = 10
    play("Short topics")
    assert [len(data) for data in broker.writes if data[0] == 0x30] == [56, 16, 16]
    assert len(broker.published) == 3


def test_the_bytes_of_a_reading() -> None:
    assert wire.measure(argparse.Namespace()) == published.read("wire")
