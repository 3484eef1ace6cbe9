"""MQTT 5 on the VMs and on CPython, against a real broker."""

from __future__ import annotations

import asyncio

import pytest

from tests.device.conftest import Variant
from tests.device.device import Device
from tools.testkit.mosquitto import Mosquitto
from tools.testkit.observer import Message
from umqtt2 import aio
from umqtt2.v5 import V5, Options, Topic

QUESTION = [[1, "1"], [3, "b'json'"], [9, "b'42'"], [11, "[700]"], [38, "[(b'k', b'v')]"]]
NOBODY = 0x10


@pytest.mark.mqtt5("MQTT-4.2.0-1")
@pytest.mark.five
@pytest.mark.everywhere
def test_version_5(each_device: Device, variant: Variant) -> None:
    talk(each_device, False, 1 if variant.tree == "simple5" else 2)


@pytest.mark.five
@pytest.mark.full
@pytest.mark.everywhere
def test_version_5_with_robust(each_device: Device) -> None:
    talk(each_device, True, 2)


def talk(each_device: Device, robust: bool, highest: int) -> None:
    each_device.observer.subscribe(each_device.topic("will"))
    with each_device.run("v5", robust=robust) as run:
        got = run.event("got")
        assert run.event("answers")["all"] == ["ONE", "TWO"]
        each_device.finish(run)
    assert got["highest"] == highest
    count = highest + 1  # one for each QoS
    assert [m[:2] for m in got["messages"]] == [["down/q", "21.5"]] * count + [["down/r", "answer"]]
    for properties in got["properties"][:count]:
        assert [one for one in properties if one[0] not in (2, 8)] == QUESTION
        assert dict(properties)[2] in ("59", "60")
    assert got["properties"][count] == [[9, "b'42'"], [11, "[700]"]]
    assert [status for _, status in got["statuses"]] == [1] * (count + 2)
    assert got["reasons"][0] == count - 1 and got["reasons"][-1] == NOBODY
    # Left with reason 4: the broker publishes the last will.
    assert each_device.observer.next(each_device.topic("will")) == Message(b"gone", 1)


@pytest.mark.five
@pytest.mark.full
def test_version_5_with_asyncio(each_device: Device) -> None:
    with each_device.run("v5_aio") as run:
        got = run.event("got")
        each_device.finish(run)
    assert got == {"granted": 1, "answer": "answer", "correlation": "42", "asked": "ONE"}


@pytest.mark.mqtt5("MQTT-4.2.0-1")
def test_version_5_with_asyncio_on_cpython(broker: Mosquitto) -> None:
    async def main() -> None:
        five = V5()
        settings = broker.settings("anonymous")
        async with aio.MQTTClient("v5-cpython", **settings, packets=five, verbose=False) as client:
            assert await client.subscribe(("v5/#", Options(1)), "other") == (1, 0)
            await client.publish(Topic("v5/q", response="v5/r", correlation=b"42"), "x" * 1000, qos=2)
            message = await client.next(5)
            assert message.payload == b"x" * 1000
            await client.publish(five.reply(message.properties), "answer")  # type: ignore
            assert (await client.next(5)).properties == {9: b"42"}  # type: ignore

    asyncio.run(asyncio.wait_for(main(), 20))
