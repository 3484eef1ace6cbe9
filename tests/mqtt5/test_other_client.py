"""The fake broker with a client of MQTT 5 that is not ours: aiomqtt, which is paho's."""

from __future__ import annotations

import asyncio
from typing import Any

import aiomqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from tests.unit.aio_server import Served
from umqtt2.testing import decode_properties


def client(broker: Served, **options: Any) -> aiomqtt.Client:
    version = aiomqtt.ProtocolVersion.V5
    return aiomqtt.Client("127.0.0.1", broker.port, identifier="x", protocol=version, **options)


def properties(kind: int, **values: object) -> Properties:
    found = Properties(kind)
    for name, value in values.items():
        setattr(found, name, value)
    return found


async def converse(broker: Served) -> list[aiomqtt.Message]:
    """Subscribe, publish at each QoS, and get what comes back."""
    wanted = SubscribeOptions(qos=2, retainAsPublished=True)
    connect = properties(PacketTypes.CONNECT, SessionExpiryInterval=100, UserProperty=[("k", "1"), ("k", "2")])
    gone = aiomqtt.Will("w", "gone", 1, False, properties(PacketTypes.WILLMESSAGE, WillDelayInterval=5))
    messages = []
    async with client(broker, clean_start=False, properties=connect, will=gone) as other:
        number = properties(PacketTypes.SUBSCRIBE, SubscriptionIdentifier=300)
        await other.subscribe("a/#", options=wanted, properties=number)
        for qos in (0, 1, 2):
            options = properties(PacketTypes.PUBLISH, ResponseTopic="r", CorrelationData=b"\0\xff", TopicAlias=qos + 1)
            await other.publish(f"a/{qos}", "m", qos=qos, retain=qos == 1, properties=options)
        async for message in other.messages:
            messages.append(message)
            if len(messages) == 3:
                break
        await other.unsubscribe("a/#")
    return messages


def test_it_converses() -> None:
    async def main() -> None:
        async with Served() as broker:
            broker.echo = True
            broker.topic_alias_maximum = 3
            messages = await converse(broker)
            await until(lambda: broker.disconnected)
            seen = broker.connects[0]
            assert decode_properties(seen["properties"]) == {17: 100, 38: [(b"k", b"1"), (b"k", b"2")]}
            assert (seen["will"], seen["will_properties"]) == ((b"w", b"gone", 1, False), b"\x18\0\0\0\5")
            assert broker.published == [(b"a/%d" % qos, b"m", qos, qos == 1) for qos in (0, 1, 2)]
            assert [(str(m.topic), m.qos, m.retain) for m in messages] == [
                ("a/0", 0, False), ("a/1", 1, True), ("a/2", 2, False),
            ]  # fmt: skip
            for message in messages:
                assert message.properties.ResponseTopic == "r"
                assert message.properties.CorrelationData == b"\0\xff"
                assert message.properties.SubscriptionIdentifier == [300]
            assert broker.subscriptions == {}
            assert broker.disconnect_reason == 0

    run(main())


def test_it_is_told_why_it_is_refused() -> None:
    async def main() -> None:
        async with Served() as broker:
            broker.return_code = 0x86
            with pytest.raises(aiomqtt.MqttError, match="Bad user name or password"):
                async with client(broker):
                    pass

    run(main())


async def until(condition: object) -> None:
    while not condition():  # type: ignore[operator]
        await asyncio.sleep(0.01)


def run(coroutine: object) -> None:
    asyncio.run(asyncio.wait_for(coroutine, 60))  # type: ignore[arg-type]
