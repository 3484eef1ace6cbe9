"""The client for asyncio, with MQTT 5."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit import wire5
from tests.unit.aio_program import Pollable, client_of, go_down, nothing_more, play, run, take, until
from umqtt2 import MQTTException
from umqtt2.errno import ECONCLOSE, ECONTIMEOUT, ELIMIT, ESUBACKFAIL
from umqtt2.session.memory import MemorySession
from umqtt2.testing import FakeBroker
from umqtt2.v5 import V5, Options, Topic


class Broker5(Pollable):
    """Answers a client of MQTT 5, and keeps what it has sent."""

    def __init__(self):
        super().__init__()
        self.packets = []
        self.connack = wire5.connack()
        self.code = 0  # of each acknowledgement

    def _answer(self, first, body):
        (p,) = wire5.parse_all(wire5.packet(first, body)) if first != 0xC0 else ({"first": first},)
        self.packets.append(p)
        answer = {
            0x10: lambda: self.connack,
            0x80: lambda: wire5.suback(p["pid"], self.code),
            0xA0: lambda: wire5.suback(p["pid"], self.code, first=0xB0),
            0xC0: lambda: b"\xd0\0",
            0x30: lambda: wire5.ack(0x40, p["pid"], self.code) if first & 2 else b"",
        }.get(first & 0xF0)
        if answer:
            self.feed(answer())
        elif first == 0xE0:
            self.ended = True

    def messages(self):
        return [p for p in self.packets if p["first"] & 0xF0 == 0x30]


@pytest.fixture
def five():
    return V5(largest=0)


def test_publish_and_subscribe(five):
    async def scene(broker, client):
        await client.publish(Topic("a", content="json"), "x", qos=1)
        assert broker.messages()[0]["properties"] == [(3, b"json")]
        broker.code = 1
        assert await client.subscribe("b", ("c", Options(1, retained=2)), qos=2) == (1, 1)
        assert [p["options"] for p in broker.packets if p["first"] == 0x82] == [2, 0x21]
        broker.code = 0x11
        await client.unsubscribe("b")

    play(scene, Broker5(), packets=five)


def test_a_message_has_its_properties(five):
    async def scene(broker, client):
        broker.feed(wire5.publish(b"a", b"x", 5, 1, [(8, b"r"), (9, b"42")]) + wire5.publish(b"b", b"y"))
        message = await client.next()
        assert message == (b"a", b"x", False, 1, False, {8: b"r", 9: b"42"})
        other = await client.next()
        assert other.properties == {}
        await client.publish(five.reply(message.properties), "answer")
        assert broker.messages()[0]["topic"] == b"r" and five.reply(other.properties) is None
        await nothing_more(client)
        assert [p["pid"] for p in broker.packets if p["first"] == 0x40] == [5]

    play(scene, Broker5(), packets=five)


def test_what_the_broker_refuses_raises_with_the_reason(five):
    async def scene(broker, client):
        broker.code = 0x87
        for call in (client.publish("a", "x", qos=1), client.subscribe("a"), client.unsubscribe("a")):
            with pytest.raises(MQTTException) as e:
                await call
            assert e.value.args == (ESUBACKFAIL, 0x87)
        assert client.is_connected()

    play(scene, Broker5(), packets=five)


def test_limits_of_the_broker(five):
    async def scene(broker, client):
        with pytest.raises(MQTTException) as e:
            await client.publish("a", bytes(100), qos=1)
        assert e.value.args == (ELIMIT, 0x95)
        assert client.is_connected() and not broker.messages()

    broker = Broker5()
    broker.connack = wire5.connack(pairs=[(0x27, 50)])
    play(scene, broker, packets=five)


def test_limits_of_the_last_broker_do_not_hold_before_the_next_one_has_answered(five):
    async def scene(broker, client):
        await go_down(broker, client)
        broker.maximum_packet_size, broker.maximum_qos = 0, 2
        broker.read_sizes = 0  # its CONNACK is on its way
        connecting = asyncio.create_task(client.connect_now())
        await until(lambda: len(broker.connects) == 2)
        publishing = asyncio.create_task(client.publish("t", bytes(200), qos=2))
        await asyncio.sleep(1)
        assert not publishing.done()
        broker.read_sizes = None
        assert await connecting
        await publishing
        assert broker.published == [(b"t", bytes(200), 2, False)]

    broker = FakeBroker()
    broker.maximum_packet_size, broker.maximum_qos = 100, 1
    play(scene, broker, packets=five, eager=True)


def test_a_message_that_expires_while_it_waits(five):
    async def scene(broker, client):
        client._reconnector.backoff.pause_ms = lambda error: 20_000
        broker.drop()
        await client.down.wait()
        with pytest.raises(MQTTException) as e:
            await client.publish(Topic("a", expiry=10), "x", qos=1)
        assert e.value.args[0] == ECONTIMEOUT
        assert not broker.messages()

    play(scene, Broker5(), packets=five)


def test_the_time_that_a_message_waits_for_room_in_the_store_counts(five):
    async def scene(broker, client):
        await go_down(broker, client, 100)
        names = [Topic("a", expiry=300), Topic("b", expiry=60), Topic("c", expiry=300)]
        work = [asyncio.ensure_future(client.publish(name, "x", qos=1)) for name in names]
        _, expired, _ = await asyncio.gather(*work, return_exceptions=True)
        assert expired.args == (ECONTIMEOUT,)
        assert [p["topic"] for p in broker.messages()] == [b"a", b"c"]
        assert all(190 <= p["properties"][0][1] <= 201 for p in broker.messages())

    play(scene, Broker5(), packets=five, session=MemorySession(limit=1))


def test_who_waits_for_room_behind_a_message_that_a_new_broker_does_not_take_gets_it(five):
    async def scene(broker, client):
        await go_down(broker, client, 20)
        broker.connack = wire5.connack(pairs=[(0x27, 100)])
        work = [asyncio.ensure_future(client.publish("a", bytes(n), qos=1)) for n in (200, 300, 4)]
        first, second, third = await asyncio.wait_for(asyncio.gather(*work, return_exceptions=True), 100)
        assert first.args == (ESUBACKFAIL, 0x95) and second.args == (ELIMIT, 0x95) and third is None
        assert [p["payload"] for p in broker.messages()] == [bytes(4)]

    play(scene, Broker5(), packets=five, session=MemorySession(1), backoff=(1, 1))


@pytest.mark.parametrize("expiry, of_broker", [(0, None), (None, 0), (100, None)])
def test_no_message_is_lost_when_the_queue_is_full_and_the_session_ends_with_the_connection(expiry, of_broker):
    async def scene(broker, client):
        await client.subscribe("a", qos=2)
        for i in range(20):
            broker.publish("a", b"%d" % i, qos=1 + i % 2)
        await client.publish("b", "the queue is full, and what comes is read", qos=1)
        assert await take(client, 20) == [b"%d" % i for i in range(20)]
        await nothing_more(client)

    broker = Pollable()
    broker.session_expiry = of_broker
    play(scene, broker, packets=V5(expiry), queue=5)


def test_keepalive_of_the_broker_counts(five):
    async def scene(broker, client):
        await asyncio.sleep(9)
        assert len([p for p in broker.packets if p["first"] == 0xC0]) == 4

    broker = Broker5()
    broker.connack = wire5.connack(pairs=[(0x13, 4)])
    play(scene, broker, packets=five, keepalive=0)


def test_taken_over_by_another_client(five):
    async def scene(broker, client):
        broker.feed(wire5.disconnect(0x8E))
        await client.down.wait()
        assert client.last_error.args == (ECONCLOSE, 0x8E)
        await asyncio.sleep(29)
        assert broker.opens == 1
        await until(client.is_connected)

    play(scene, Broker5(), packets=five, backoff=(0.1, 60))


def test_leaving_with_a_reason():
    five = V5(expiry=60, largest=0)
    broker = Broker5()

    async def main():
        client = client_of(broker, packets=five, will=(Topic("w", delay=5), "gone", False, 1))
        await client.connect()
        await five.disconnect(client, reason=4)

    run(main(), broker.clock)
    assert broker.packets[0]["will"] == ([(0x18, 5)], b"w", b"gone", 1, 0)
    assert broker.packets[-1] == {"first": 0xE0, "code": 4, "properties": []}
