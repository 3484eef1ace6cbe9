"""The command line with MQTT 5."""

from __future__ import annotations

import pytest

from tests.unit import wire5
from tests.unit.test_v5_aio import Broker5
from umqtt2.cli import link, main


@pytest.fixture
def broker(mocker):
    made = Broker5()
    mocker.patch.object(link, "time", made.clock)
    mocker.patch.object(link, "transport", return_value=made)
    return made


def test_pub_with_properties(broker):
    line = "pub -V 5 -t a -m x -q 1 -D publish message-expiry-interval 60 -D publish content-type json"
    line += " -D publish user-property k v -D publish response-topic r -D publish payload-format-indicator 1"
    line += " -D connect session-expiry-interval 9 -D connect user-property a b -D connect receive-maximum 5"
    assert main(line.split()) == 0
    connect, publish, _ = broker.packets
    assert sorted(connect["properties"]) == [(0x11, 9), (0x21, 5), (0x26, (b"a", b"b"))]
    assert sorted(publish["properties"]) == [(1, 1), (2, 60), (3, b"json"), (8, b"r"), (0x26, (b"k", b"v"))]


def test_a_last_will_with_properties(broker):
    line = "pub -V 5 -t a -n --will-topic w --will-payload gone -D will will-delay-interval 5 -D will content-type t"
    assert main(line.split()) == 0
    properties, *will = broker.packets[0]["will"]
    assert will == [b"w", b"gone", 0, 0]
    assert sorted(properties) == [(3, b"t"), (0x18, 5)]


def test_a_session_that_stays(broker):
    assert main("pub -V 5 -t a -n -c -i id".split()) == 0
    assert (0x11, 0xFFFFFFFF) in broker.packets[0]["properties"]


def test_properties_are_printed(broker, capfdbinary):
    broker.connack += wire5.publish(b"a", b"hello", pairs=[(3, b"json"), (0x26, (b"a", b"b"))])
    assert main(["sub", "-V", "5", "-t", "a", "-C", "1", "-F", "%C %P %p"]) == 0
    assert capfdbinary.readouterr().out == b"json a:b hello\n"


def test_sub(broker, capfdbinary):
    broker.code = 1
    broker.connack += wire5.publish(b"a", b"hello", pairs=[(3, b"json")])
    assert main("sub -V mqttv5 -t a -q 1 -C 1 -D subscribe subscription-identifier 7".split()) == 0
    assert capfdbinary.readouterr().out == b"hello\n"
    assert broker.packets[1]["properties"] == [(0x0B, 7)] and broker.packets[1]["options"] == 1


@pytest.mark.parametrize("line", ["pub -V 5 -t a -m x -q 1", "sub -V 5 -t a -q 1"])
def test_what_is_refused_is_told_with_the_reason(broker, capsys, line):
    broker.code = 0x87
    assert main(line.split()) == 1
    assert "refuses" in capsys.readouterr().err


def test_a_refused_connection_is_told_with_the_reason(broker, capsys):
    broker.connack = wire5.connack(0x87)
    assert main("pub -V 5 -t a -m x".split()) == 0x87
    assert "not authorized (reason code 0x87)" in capsys.readouterr().err


@pytest.mark.parametrize(
    "line, complaint",
    [
        ("-V 4", "-V: 4 is not 311 or 5"),
        ("-D publish content-type json", "-D: needs -V 5"),
        ("-V 5 -D publish", "-D: needs PACKET"),
        ("-V 5 -D publish topic-alias 1", "topic-alias is not supported"),
        ("-V 5 -D will topic-alias 1", "not supported"),
        ("-V 5 -D publish user-property k", "a name and a value"),
        ("-V 5 -D publish message-expiry-interval soon", "soon is not a number"),
        ("-V 5 -D publish response-topic #", "-D: response-topic: not allowed"),
        ("-V 5 -D publish message-expiry-interval 0", "-D: message-expiry-interval: not allowed"),
        ("-V 5 -D connect receive-maximum 70000", "-D: receive-maximum: not allowed"),
        ("-V 5 -D subscribe subscription-identifier 1", "-D: subscribe is for sub"),
    ],
)
def test_what_cannot_be_is_told_in_a_line(broker, capsys, line, complaint):
    assert main(["pub", "-t", "a", "-m", "x", *line.split()]) == 1
    assert complaint in capsys.readouterr().err
