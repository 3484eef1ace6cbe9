"""Each scenario runs on each listener, and some on each MicroPython."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.device.conftest import Variant
from tests.device.device import Device
from tools.testkit.observer import Message
from tools.testkit.proxy import Proxy

DELIVERED = 1
LEAVES = 40
KEPT = 4  # retained messages
MANY = 200  # ten times as many as mosquitto has in flight, as it comes


@pytest.mark.everywhere
@pytest.mark.mqtt("MQTT-7.0.0-2", "MQTT-7.1.2-1")
def test_publish_qos0(each_device: Device) -> None:
    each_device.observer.subscribe(each_device.topic("up"))
    with each_device.run("publish") as run:
        each_device.finish(run)
    for payload in (b"hello", b"\x00\xff", b""):
        assert each_device.observer.next(each_device.topic("up")) == Message(payload, 0, False)


def receive(each_device: Device, qos: int) -> None:
    payloads = [b"one", b"", b"three"]
    with each_device.run("subscribe", qos=qos, count=len(payloads)) as run:
        run.event("ready")
        for payload in payloads:
            each_device.observer.publish(each_device.topic("down"), payload, qos=1)
        got = run.event("got")["messages"]
        each_device.finish(run)
    assert got == [["down", payload.decode(), False] for payload in payloads]
    if each_device.broker:
        # It logs what it has received before it logs that the client has gone.
        assert each_device.broker.wait_for(f"Received DISCONNECT from {each_device.client_id}$")
        acks = each_device.broker.times(f"Received PUBACK from {each_device.client_id} ")
        assert len(acks) == (len(payloads) if qos else 0)


def test_subscribe_qos0(each_device: Device) -> None:
    receive(each_device, 0)


@pytest.mark.everywhere
@pytest.mark.mqtt("MQTT-4.3.2-2", "MQTT-7.0.0-2", "MQTT-7.1.2-1")
def test_subscribe_qos1(each_device: Device) -> None:
    receive(each_device, 1)


def test_500_byte_topic(each_device: Device) -> None:
    name = "t" * (500 - len(each_device.topic("")))
    back = each_device.topic(name[:-4] + "back")
    assert len(each_device.topic(name)) == len(back) == 500
    each_device.observer.subscribe(back)
    with each_device.run("long_topic", name=name) as run:
        run.event("ready")
        each_device.observer.publish(each_device.topic(name), b"long way", qos=1)
        each_device.finish(run)
    assert each_device.observer.next(back) == Message(b"long way")


@pytest.mark.everywhere
@pytest.mark.mqtt("MQTT-4.3.2-1", "MQTT-7.0.0-2", "MQTT-7.1.2-1")
def test_publish_qos1(each_device: Device) -> None:
    each_device.observer.subscribe(each_device.topic("up"))
    with each_device.run("publish_qos1") as run:
        published = run.event("published")
        each_device.finish(run)
    assert len(set(published["pids"])) == 3
    assert published["statuses"] == [[pid, DELIVERED] for pid in published["pids"]]
    for i in range(3):
        assert each_device.observer.next(each_device.topic("up")) == Message(b"message %d" % i, 1)


@pytest.mark.everywhere
def test_acknowledgement_never_comes(each_device: Device) -> None:
    each_device.observer.subscribe(each_device.topic("up"))
    with each_device.behind_proxy() as proxy:
        with each_device.run("no_ack") as run:
            run.event("ready")
            proxy.hold_answers()
            each_device.observer.publish(each_device.topic("go"), b"go", qos=1)
            assert run.event("timed out")["status"] == 0
            proxy.release()
            assert run.event("late")["status"] == 2
            assert run.event("again")["status"] == DELIVERED
            each_device.finish(run)
    assert each_device.observer.next(each_device.topic("up")) == Message(b"unanswered", 1)
    assert each_device.observer.next(each_device.topic("up")) == Message(b"answered", 1)


def test_retain(each_device: Device) -> None:
    each_device.observer.publish(each_device.topic("down"), b"from before", qos=1, retain=True)
    with each_device.run("retain") as run:
        run.event("ready")
        each_device.observer.publish(each_device.topic("down"), b"live", qos=1)
        got = run.event("got")["messages"]
        each_device.finish(run)
    assert got == [["down", "from before", True], ["down", "live", False]]
    each_device.observer.subscribe(each_device.topic("kept"))
    assert each_device.observer.next(each_device.topic("kept")) == Message(b"kept by the broker", 1, True)
    for name in ("down", "kept"):
        each_device.observer.publish(each_device.topic(name), b"", qos=1, retain=True)


@pytest.mark.everywhere
@pytest.mark.mqtt("MQTT-3.1.2-9")
def test_last_will(each_device: Device) -> None:
    each_device.observer.subscribe(each_device.topic("will"))
    with each_device.run("last_will") as run:
        run.event("lost")
        each_device.finish(run)
    assert each_device.observer.next(each_device.topic("will")) == Message(b"gone", 1)
    each_device.observer.subscribe(each_device.topic("+"))
    assert each_device.observer.next(each_device.topic("will")) == Message(b"gone", 1, True)
    each_device.observer.publish(each_device.topic("will"), b"", qos=1, retain=True)


def test_unsubscribe(each_device: Device) -> None:
    with each_device.run("unsubscribe") as run:
        run.event("ready")
        each_device.observer.publish(each_device.topic("down"), b"before", qos=1)
        assert run.event("unsubscribed")["status"] == DELIVERED
        each_device.observer.publish(each_device.topic("down"), b"after", qos=1)
        each_device.observer.publish(each_device.topic("end"), b"end", qos=1)
        got = run.event("got")["messages"]
        each_device.finish(run)
    assert got == [["down", "before", False], ["end", "end", False]]


@pytest.mark.everywhere
def test_persistent_session(each_device: Device) -> None:
    with each_device.run("session", first=True) as run:
        assert run.event("session") == {"resumed": False, "messages": []}
        each_device.finish(run)
    for payload in (b"missed", b"missed too"):
        each_device.observer.publish(each_device.topic("down"), payload, qos=1)
    with each_device.run("session", first=False) as run:
        session = run.event("session")
        each_device.finish(run)
    assert session["resumed"] is True
    assert session["messages"] == [["down", "missed", False], ["down", "missed too", False]]


@pytest.mark.everywhere
@pytest.mark.mqtt("MQTT-7.1.2-1")
def test_7_kb_payload(each_device: Device) -> None:
    payload = random.Random(7).randbytes(7168)
    each_device.observer.subscribe(each_device.topic("up"))
    with each_device.run("large") as run:
        run.event("ready")
        each_device.observer.publish(each_device.topic("down"), payload, qos=1)
        assert run.event("echoed") == {"size": len(payload), "status": DELIVERED}
        each_device.finish(run)
    assert each_device.observer.next(each_device.topic("up")) == Message(payload, 1)


def test_oversized_message(each_device: Device, variant: Variant) -> None:
    each_device.observer.subscribe(each_device.topic("up"))
    with each_device.run("oversized") as run:
        run.event("ready")
        each_device.observer.publish(each_device.topic("down"), bytes(3000), qos=0)
        each_device.observer.publish(each_device.topic("down"), bytes(3000), qos=1)
        each_device.observer.publish(each_device.topic("down"), b"fits", qos=1)
        got = run.event("got")
        assert run.event("back")["resumed"] is True
        each_device.observer.publish(each_device.topic("down"), b"later", qos=1)
        then = run.event("then")
        each_device.finish(run)
    # With MQTT 5 the broker knows what fits, and does not send it.
    oversized = [] if variant.tree == "simple5" else [[0, 4], [0, 4]]
    assert got == {"messages": [["down", "fits", False]], "statuses": oversized}
    assert then == {"messages": [["down", "later", False]], "statuses": []}
    assert each_device.observer.next(each_device.topic("up")) == Message(b"alive", 1)


@pytest.mark.everywhere
@pytest.mark.full
@pytest.mark.mqtt("MQTT-4.3.3-1", "MQTT-4.3.3-2", "MQTT-7.0.0-2")
def test_qos2(each_device: Device) -> None:
    each_device.observer.subscribe(each_device.topic("up"), 2)
    with each_device.run("qos2") as run:
        for _ in range(2):
            published = run.event("published")
            assert len(set(published["pids"])) == 3
            assert published["statuses"] == [[pid, DELIVERED] for pid in published["pids"]]
            for i in range(3):
                assert each_device.observer.next(each_device.topic("up")) == Message(b"message %d" % i, 2)
            for payload in (b"one", b"two"):
                each_device.observer.publish(each_device.topic("down"), payload, qos=2)
            assert run.event("got")["messages"] == [["down", "one", False], ["down", "two", False]]
        assert run.event("again")["new"] == []
        each_device.finish(run)


@pytest.mark.everywhere
@pytest.mark.full
@pytest.mark.mqtt("MQTT-4.4.0-1")
def test_reconnects(each_device: Device) -> None:
    each_device.observer.subscribe(each_device.topic("up"), 2)
    with each_device.behind_proxy() as proxy:
        with each_device.run("robust", count=20) as run:
            run.event("ready")
            arrived = []
            for i in range(20):
                arrived.append(each_device.observer.next(each_device.topic("up")))
                if i % 6 == 3:
                    proxy.cut()
                    each_device.observer.publish(each_device.topic("down"), b"%d" % i, qos=2) if i < 12 else None
            said = run.event("delivered")
            each_device.finish(run)
    # Once each at QoS 2; at QoS 1 some may have come twice, and so may be missing at the end of these 20.
    exactly = [message.payload for message in arrived if message.qos == 2]
    assert exactly == sorted(set(exactly), key=int)
    assert sorted(said["pids"]) == sorted(pid for pid, _ in said["statuses"])
    assert {status for _, status in said["statuses"]} == {DELIVERED}
    assert said["messages"] == [["down", "3", False], ["down", "9", False]]
    assert said["ups"].count(True) >= 2


@pytest.mark.everywhere
@pytest.mark.full
def test_a_device_that_wakes_has_its_message_out_before_the_broker_has_said_anything(each_device: Device) -> None:
    if not each_device.broker or "ssl" in each_device.client:
        pytest.skip("needs a proxy that sees what the device sends")
    with Proxy(each_device.broker.port(each_device.listener), b"reading") as proxy:
        each_device.client["port"] = proxy.port
        with each_device.run("waking") as run:
            assert run.event("connected")["up"]
            told = run.event("told")
            each_device.finish(run)
    assert told["statuses"] == [[told["pid"], DELIVERED]] and told["errors"] == "None"


@pytest.mark.few
def test_leaves_with_unread_messages(each_device: Device) -> None:
    each_device.observer.subscribe(each_device.topic("up"))
    each_device.observer.subscribe(each_device.topic("will"))
    for i in range(KEPT):
        each_device.observer.publish(each_device.topic(f"kept/{i}"), bytes(700), qos=1, retain=True)
    with each_device.run("leave", times=LEAVES) as run:
        each_device.finish(run)
    for i in range(LEAVES):
        assert each_device.observer.next(each_device.topic("up")).payload == b"%d" % i
    # The broker publishes this after everything before it.
    each_device.observer.publish(each_device.topic("will"), b"fence", qos=1)
    assert each_device.observer.next(each_device.topic("will")).payload == b"fence"
    for i in range(KEPT):
        each_device.observer.publish(each_device.topic(f"kept/{i}"), b"", qos=1, retain=True)


@pytest.mark.few
@pytest.mark.full
@pytest.mark.parametrize("store", ["default", "memory", "file"])
def test_more_messages_than_the_broker_takes_at_a_time(each_device: Device, store: str, tmp_path: Path) -> None:
    if not each_device.broker and store == "file":
        pytest.skip("the file would be on the board")
    each_device.observer.subscribe(each_device.topic("up"), 2)
    with each_device.run("many", store=store, count=MANY, path=str(tmp_path / "session")) as run:
        assert run.event("told") == {"delivered": MANY}
        each_device.finish(run)
    arrived = [each_device.observer.next(each_device.topic("up")) for _ in range(MANY)]
    for qos in (1, 2):
        numbers = [int(message.payload) for message in arrived if message.qos == qos]
        # mosquitto changes the order when it has more than it may send at a time.
        assert sorted(numbers) == list(range(qos - 1, MANY, 2))
