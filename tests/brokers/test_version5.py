"""MQTT 5 with brokers of several kinds, each scenario on CPython and on the 32-bit VM; paho-mqtt is the other end."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import pytest

from tests.brokers.conftest import Side
from tests.brokers.kinds import LARGEST
from tests.brokers.other_client import Paho
from tools.testkit.mosquitto import PASSWORD, USER
from tools.testkit.rabbitmq import READER
from umqtt2.errno import ECONAUTH, ECONCLOSE, ECONCREDENTIALS, ELIMIT, SDELIVERED, SFAILED, SREJECTED, STIMEOUT
from umqtt2.properties import (
    MAXIMUM_PACKET_SIZE,
    MAXIMUM_QOS,
    RECEIVE_MAXIMUM,
    SERVER_KEEP_ALIVE,
    SHARED_SUBSCRIPTION_AVAILABLE,
)

NOBODY, NOT_AUTHORIZED, TOO_LARGE, TAKEN_OVER = 0x10, 0x87, 0x95, 0x8E
DELAY = 3  # seconds, of a last will
TIMES = 3  # that paho is tried
WINDOW = 5  # messages that the client takes at a time


def hexed(code: int) -> str:
    return f"0x{code:02X}"


def check_left(side: Side, args: Sequence[int], code: int | None) -> None:
    """The exception's arguments, when the broker leaves with a DISCONNECT or without."""
    assert args == [ECONCLOSE, *([code] if code else [])]
    side.does(hexed(code) if code else "closes without DISCONNECT")


def quiet_before_timeout(side: Side) -> float:
    """How many seconds after the last packet of the client mosquitto ended it, for its keepalive."""
    client = side.prefix.replace("/", "-")
    ends = side.broker.logged(f"Client {client} has exceeded timeout")
    if not ends:
        return math.inf
    packets = side.broker.logged(f"(as|from) {client} ")
    return int(ends[0].partition(":")[0]) - max(int(line.partition(":")[0]) for line in packets)


def test_connects(side: Side) -> None:
    with side.client(keepalive=3600) as client:
        assert client.connect() is False
        said = client.connack()
        client.fence()
    found = {int(key): value for key, value in said["properties"].items()}
    assert said["reason"] == 0
    assert found.get(MAXIMUM_PACKET_SIZE) == f"{LARGEST}"
    assert int(found.get(RECEIVE_MAXIMUM, 65535)) == side.kind.in_flight
    assert int(found.get(MAXIMUM_QOS, 2)) == side.kind.qos
    assert found.get(SHARED_SUBSCRIPTION_AVAILABLE, "1") == f"{int(side.kind.shared)}"
    with Paho(side.broker.port) as paho:
        assert paho.connack["MaximumPacketSize"] == LARGEST
    side.does(f"QoS {side.kind.qos}, {side.kind.in_flight} in flight")


def test_wrong_password(side: Side) -> None:
    wanted = side.kind.no_password
    with side.client(user=USER, password="wrong") as client:
        args = client.raised("connect")
        client.connect(user=USER, password=PASSWORD)
    assert args == [ECONAUTH if wanted == NOT_AUTHORIZED else ECONCREDENTIALS, wanted]
    with Paho(side.broker.port, user=USER, password="wrong") as paho:
        assert wanted in paho.reasons["connack"]
    with Paho(side.broker.port, user=USER, password=PASSWORD) as paho:
        assert paho.reasons["connack"] == [0]
    side.does(hexed(wanted))


def test_may_not_publish(side: Side) -> None:
    with side.client(robust=True, user=READER, password=READER, backoff=(0.05, 0.2)) as client:
        client.connect()
        pids = [client.send("up", "x", qos) for qos in side.qos if qos]
        statuses = [client.status(pid) for pid in pids]
        assert client.subscribe("fine", 1) == 1
    with Paho(side.broker.port, user=READER, password=READER) as paho:
        if side.kind.closes:
            paho.send(side.topic("up"), "x")
            paho.wait(lambda: paho.reasons["disconnect"])
            assert {status for status, _ in statuses} == {SREJECTED}
            side.does("closes without DISCONNECT: SREJECTED")
        else:
            assert paho.publish(side.topic("up"), "x") == NOT_AUTHORIZED
            assert statuses == [[SFAILED, NOT_AUTHORIZED]] * len(statuses)
            side.does(hexed(NOT_AUTHORIZED))


def test_properties_there_and_back(side: Side) -> None:
    more = {"content": "json", "text": True, "user": [("k", "v"), ("k", "w")], "correlation": b"\0\xff"}
    more.update(expiry=60, response=side.topic("down/r"))
    with Paho(side.broker.port, watch=side.topic("down/#")) as paho, side.client(v5={"user": [("who", "i")]}) as client:
        client.connect()
        client.subscribe("down/#", 2, identifier=700)
        assert {client.publish("down/q", "21.5", qos, **more) for qos in side.qos} == {0}
        own = client.received(len(side.qos))
        paho.publish(
            side.topic("down/q"), "21.5", PayloadFormatIndicator=1, MessageExpiryInterval=60, ContentType="json",
            ResponseTopic=side.topic("down/r"), CorrelationData=b"\0\xff", UserProperty=[("k", "v"), ("k", "w")],
        )  # fmt: skip
        others = client.received(1)
        nobody = client.publish("nobody", "x")
        theirs = [paho.next() for _ in range(len(side.qos) + 1)]
    wanted = {
        "1": "1", "3": "b'json'", "8": f"b'{side.topic('down/r')}'", "9": repr(b"\0\xff"), "11": "[700]",
        "38": "[(b'k', b'v'), (b'k', b'w')]",
    }  # fmt: skip
    for topic, payload, _, found in own + others:
        assert (topic, payload) == ("down/q", "21.5")
        assert found.pop("2") in ("58", "59", "60")
        assert found == wanted
    for message in theirs:
        props = message.properties
        assert message.payload == b"21.5"
        assert (props.ContentType, props.CorrelationData, props.PayloadFormatIndicator) == ("json", b"\0\xff", 1)
        assert props.ResponseTopic == side.topic("down/r")
        assert props.UserProperty == [("k", "v"), ("k", "w")]
        assert props.MessageExpiryInterval in (58, 59, 60)
    assert nobody in (0, NOBODY)
    side.does(f"nobody subscribed: {hexed(nobody)}")


def test_request_and_response(side: Side) -> None:
    with Paho(side.broker.port, watch=side.topic("svc")) as paho, side.client() as client:
        client.connect()
        client.begin("ask", "one", "two")
        for _ in range(2):
            paho.reply()
        assert client.end() == ["ONE", "TWO"]
        client.subscribe("ours", 1)
        paho.subscribe(side.topic("paho"))
        paho.publish(side.topic("ours"), "three", ResponseTopic=side.topic("paho"), CorrelationData=b"\1\2")
        assert client.serve() == 0
        answer = paho.next()
        assert (answer.payload, answer.properties.CorrelationData) == (b"THREE", b"\1\2")


def test_session_expires(side: Side) -> None:
    with side.client() as client:
        client.connect(clean=False, v5={"expiry": 30})
        client.disconnect()
        empty = client.connect(clean=False)
        client.disconnect(expiry=0)
        assert not client.connect(clean=False, v5={"expiry": 30})
        client.subscribe("kept", 1)
        client.disconnect()
        assert client.connect(clean=False, v5={"expiry": 30})
        client.disconnect(expiry=1)
        time.sleep(3)
        assert not client.connect(clean=False)
        client.disconnect(expiry=0)
        assert not client.connect(clean=False, v5={"expiry": 1})
        client.subscribe("kept", 1)
        client.disconnect()
        time.sleep(3)
        assert not client.connect(clean=False)
    assert empty is side.kind.keeps_empty
    side.does("yes" if empty else "yes; one without subscriptions is not kept")


def test_messages_expire(side: Side) -> None:
    with Paho(side.broker.port, watch=side.topic("up")) as paho, side.client(v5={"expiry": 60}) as client:
        client.connect(clean=False)
        client.subscribe("down", 1)
        client.disconnect()
        paho.publish(side.topic("down"), "short", MessageExpiryInterval=1)
        paho.publish(side.topic("down"), "long", MessageExpiryInterval=60)
        paho.publish(side.topic("down"), "last")
        time.sleep(4)
        client.connect(clean=False)
        messages = client.received(0, "last")
        client.disconnect()
        # What waits in the store of the client, too.
        client.connect(robust=True)
        client.disconnect()
        late = client.send("up", "late", expiry=1)
        kept = client.send("up", "in time", expiry=60)
        time.sleep(2.5)
        client.connect()
        assert [client.status(pid)[0] for pid in (late, kept)] == [STIMEOUT, SDELIVERED]
        assert paho.next().payload == b"in time"
    assert [one[1] for one in messages] == ["long", "last"]
    assert 30 <= int(messages[0][3]["2"]) <= 58


def paho_misses_some(side: Side, payloads: list[str], qos: list[int]) -> bool:
    """Whether the broker stalls with paho, too, which publishes while it receives."""
    topic = side.topic(f"paho/{time.monotonic_ns()}")
    back = f"{topic}/back"
    with Paho(side.broker.port, watch=back) as paho, Paho(side.broker.port, watch=topic, window=WINDOW) as reader:
        for client, name in ((paho, topic), (reader, back)):
            for payload, one in zip(payloads, qos):
                client.send(name, payload, one)
        try:
            reader.wait(lambda: len(reader.messages) >= len(payloads), 20)
        except AssertionError:
            return True
    return False


def test_200_messages_each_way_at_a_limit_of_messages_in_flight(side: Side) -> None:
    qos = [one for one in side.qos if one]
    count = 200
    payloads, mixed = [str(i) for i in range(count)], [qos[i % len(qos)] for i in range(count)]
    with Paho(side.broker.port, watch=side.topic("up")) as paho, side.client(v5={"window": WINDOW}) as client:
        client.connect()
        client.subscribe("down", 2)
        client.begin("exchange", count, qos)
        paho.publish_all(side.topic("down"), payloads, mixed)
        seen, statuses = client.end()
        paho.wait(lambda: len(paho.messages) >= count)
        if 0 in seen:
            # It has had an answer to each that it has sent, and says so in its log.
            us = side.prefix.replace("/", "-")
            answered = side.broker.logged(f"Received (PUBACK|PUBCOMP) from {us} ")
            assert len(side.broker.logged(f"Sending PUBLISH to {us} ")) == len(answered) == sum(seen)
            assert any(paho_misses_some(side, payloads, mixed) for _ in range(TIMES))
            side.does("may stall: some of the messages down do not come [4.9]")
            seen = [1] * count
    assert seen == [1] * count
    assert statuses == [SDELIVERED] * count
    assert sorted(int(message.payload) for message in paho.messages) == list(range(count))


def test_largest_packets(side: Side) -> None:
    with Paho(side.broker.port, watch=side.topic("up")) as paho, side.client(v5={"largest": 200}) as client:
        client.connect()
        size = LARGEST - 9 - len(side.topic("up"))  # of the largest payload at QoS 1
        for qos in (0, 1):
            assert client.raised("publish", "up", "x" * (size + 3 - 2 * qos), qos) == [ELIMIT, TOO_LARGE]
        assert client.publish("up", "x" * size) == 0
        client.subscribe("down", 1)
        for payload in ("x" * 100, "x" * 300, "x" * 150, "last"):
            paho.publish(side.topic("down"), payload)
        assert [len(one[1]) for one in client.received(0, "last")] == [100, 150, 4]
        assert len(paho.next().payload) == size


def test_topic_aliases(side: Side) -> None:
    wanted = [(f"up/{name}", str(i)) for i in range(4) for name in "abcde"]
    with Paho(side.broker.port, watch=side.topic("up/#")) as paho, side.client(v5={"aliases": 3}) as client:
        client.connect()
        for topic, payload in wanted:
            client.publish(topic, payload, int(payload) % 2)
        came = [paho.next() for _ in wanted]
    assert [(one.topic, one.payload.decode()) for one in came] == [(side.topic(name), word) for name, word in wanted]


def test_keepalive_of_the_server(side: Side) -> None:
    with side.client(keepalive=3600) as client:
        client.connect()
        found = client.connack()["properties"]
        assert found.get(str(SERVER_KEEP_ALIVE)) == (side.kind.keepalive and str(side.kind.keepalive))
        try:
            client.idle(17000 if side.kind.keepalive else 100)
            assert client.publish("up", "x") in (0, NOBODY)
        except AssertionError:
            quiet = quiet_before_timeout(side)
            if side.kind.keepalive and quiet < side.kind.keepalive:
                pytest.xfail(f"mosquitto's log: ended for its keepalive {quiet} s after its last packet; paho is, too")
            raise
    side.does(f"{side.kind.keepalive} s" if side.kind.keepalive else "that of the client")


def test_assigned_client_identifier(side: Side) -> None:
    with side.client(v5={"expiry": 20}, client_id="") as client:
        assert not client.connect()
        assert client.connack()["properties"].get("18")
        client.subscribe("kept", 1)
        client.disconnect()
        assert client.connect(clean=False)
        assert "18" not in client.connack()["properties"]  # the client has asked for it
        client.disconnect(expiry=0)
    with Paho(side.broker.port) as paho:
        assert paho.connack["AssignedClientIdentifier"]


def test_shared_subscription(side: Side) -> None:
    topic = f"$share/g/{side.topic('work')}"
    with Paho(side.broker.port) as paho, side.client() as client:
        client.connect()
        reason = client.subscribe(f"/{topic}", 1)
        assert paho.subscribe(topic, 1) == reason
        wanted = [str(i) for i in range(20)]
        paho.publish_all(side.topic("work"), wanted, [1] * 20)
        got = [one[1] for one in client.fence()]
        paho.fence(side.topic("paho"))
        theirs = [message.payload.decode() for message in paho.messages]
    if side.kind.shared:
        assert reason == 1
        assert got and theirs
        assert sorted(got + theirs, key=int) == wanted
        side.does("yes")
    else:
        assert got == theirs == []
        side.does(f"no: {hexed(reason)}")


def test_options_of_subscriptions(side: Side) -> None:
    with Paho(side.broker.port) as paho, side.client() as client:
        client.connect()
        client.subscribe("local", 1, no_local=True)
        client.publish("local", "own")
        client.subscribe("plain", 1, identifier=3)
        client.subscribe("published", 1, as_published=True, identifier=4)
        for name in ("plain", "published"):
            client.publish(name, "kept", 1, True)
        flags = client.received(2)
        counts = []
        for retained in (0, 1, 2, 0, None, 1, 1):
            if retained is None:
                client.unsubscribe("plain")
            else:
                client.subscribe("plain", 1, retained=retained)
                counts.append(len(client.idle()))
        paho.subscribe(side.topic("plain"), 1, retainHandling=0)
        paho.next()
        paho.subscribe(side.topic("plain"), 1, retainHandling=1)
        paho.fence(side.topic("paho"))
        assert len(paho.messages) == side.kind.by_options
        paho.publish(side.topic("local"), "from others")
        got = [one[:2] for one in client.received(1)]
        for name in ("plain", "published"):
            client.publish(name, "", 1, True)
    assert sorted(flags) == [["plain", "kept", False, {"11": "[3]"}], ["published", "kept", True, {"11": "[4]"}]]
    assert counts == [1, int(side.kind.by_options), 0, 1, 1, 0]
    side.does("a subscription with other options is new" if side.kind.by_options else "yes")
    assert got == [["local", "from others"]]


def test_delayed_last_will(side: Side) -> None:
    will = {"delay": DELAY, "content": "text", "user": [("k", "v")]}
    with Paho(side.broker.port, watch=side.topic("will")) as paho, side.client(v5={"expiry": 60}) as client:
        client.set_will("will", "gone", **will)
        client.connect(clean=False)
        client.subscribe("kept", 1)
        client.cut()
        # It comes back in time.
        time.sleep(DELAY / 2)
        assert client.connect(clean=False, v5={"expiry": 60})
        client.disconnect()
        time.sleep(DELAY)
        # It does not come back.
        client.make(v5={"expiry": 60})
        client.set_will("will", "gone", **will)
        client.connect(clean=False)
        client.cut()
        assert not paho.messages
        message = paho.next()
        client.connect(v5={"expiry": 0})
        assert message.payload == b"gone"
        assert message.properties.ContentType == "text"
        assert message.properties.UserProperty == [("k", "v")]
        assert not paho.messages


def test_another_client_takes_over(side: Side) -> None:
    taken_over = [ECONCLOSE, TAKEN_OVER]
    with side.client() as client:
        client.connect()
        with Paho(side.broker.port, client_id=client.client_id()):
            assert client.raised("idle", 20000) == taken_over
        client.connect(robust=True, name="-robust", backoff=(0.1, 60))
        client.fence()
        with Paho(side.broker.port, client_id=client.client_id()) as paho:
            assert client.error() == taken_over
            client.idle(4000)
            assert client.last_error() == taken_over
            assert paho.reasons["disconnect"] == []  # umqtt2.robust has not come back at once
    side.does(hexed(TAKEN_OVER))


def test_asyncio(side: Side) -> None:
    with Paho(side.broker.port, watch=side.topic("svc")) as paho, side.client() as client:
        client.begin("converse", side.qos, LARGEST)
        said = client.run.event("got")
        for _ in range(2):
            paho.reply()
        answers = client.run.event("answers")
        with Paho(side.broker.port, client_id=answers["client_id"]) as taker:
            lost = client.run.event("lost")
            assert taker.reasons["disconnect"] == []
        client.end()
    wanted = {"8": f"b'{side.topic('r')}'", "9": "b'42'", "11": "[9]", "38": "[(b'k', b'v')]"}
    assert [payload for payload, _ in said["messages"]] == [str(qos) for qos in side.qos]
    for _, found in said["messages"]:
        assert found.pop("2") in ("58", "59", "60")
        assert found == wanted
    assert said["granted"] == side.kind.qos
    assert said["refused"] == [ELIMIT, TOO_LARGE]
    assert answers["all"] == ["ONE", "TWO"]
    assert lost == {"args": [ECONCLOSE, TAKEN_OVER], "up": False}


def test_broker_that_is_stopped(side: Side) -> None:
    with Paho(side.broker.port) as paho, side.client(robust=True, backoff=(0.1, 1)) as client:
        client.connect()
        client.fence()
        side.broker.stop()
        args = client.error()
        pid = client.send("up", "while it was away")
        paho.wait(lambda: paho.reasons["disconnect"])
        side.broker.start()
        side.broker.wait_until_listening()
        assert client.answer(pid) in (0, NOBODY)
    check_left(side, args, None)


def test_client_that_is_silent(side: Side) -> None:
    with side.client(keepalive=2) as client:
        client.connect()
        time.sleep(5)
        args = client.raised("idle", 20000)
    check_left(side, args, side.kind.silent)
