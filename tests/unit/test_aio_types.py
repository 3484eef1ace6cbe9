"""The types: mypy accepts right programs, and refuses each wrong line."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(300)

RIGHT = '''
import asyncio
from typing import Tuple

from umqtt2 import aio
from umqtt2.packets.filter import matches
from umqtt2.wifi import Wifi

WIFI = Wifi("home", "its password", pm=0xA11140)

async def main() -> None:
    async with aio.MQTTClient(
        "lamp", "broker", keepalive=60, ssl=True, will=("lamp/state", b"gone", True, 1), queue=5, network=WIFI
    ) as client:
        await client.subscribe("cmd/#", ("alarm/+", 2), b"bytes", qos=1)
        await client.unsubscribe("cmd/#", b"bytes")
        await client.publish("state", b"on", qos=1)
        await client.publish(b"state", "on", True)
        await client.publish("state", bytearray(b"on"), retain=True, qos=2)
        async for message in client.messages(queue=3):
            topic: bytes = message.topic
            payload: bytes = message.payload
            flags: Tuple[bool, int, bool] = (message.retain, message.qos, message.dup)
            print(topic, payload, flags, matches(b"cmd/#", topic))
        async for name, value, kept, *rest in client.messages():
            print(name.decode(), value.decode(), kept and 1, rest)
        one: aio.Message = await client.next(timeout=2.5)
        print(one.payload, client.dropped + 1, client.last_error, client.is_connected())
        await client.up.wait()
        if not await client.connect_now():
            await client.down.wait()
    same: aio.MQTTClient = await client.connect()
    await same.disconnect()


asyncio.run(main())
'''

RIGHT_5 = '''
from umqtt2 import MQTTClient, aio
from umqtt2.requests import Requests
from umqtt2.robust import MQTTClient as RobustClient
from umqtt2.v5 import V5, Options, Topic

READING = Topic("shed/temperature", expiry=300)

for kind in MQTTClient, RobustClient:
    plain = kind("lamp", "broker", packets=V5())
    plain.set_last_will(READING, "gone")
    plain.subscribe("cmd/#", Options(1, no_local=True))
    plain.publish(READING, "21.5", qos=1)


async def main() -> None:
    five = V5()
    async with aio.MQTTClient("lamp", "broker", packets=five, will=(READING, "gone", True, 1)) as client:
        await client.subscribe(("cmd/#", Options(1)))
        await client.publish(READING, "21.5", qos=1)
        async for message in client.messages():
            reply = five.reply()
            if reply:
                await client.publish(reply, message.payload)
        answer: bytes = await Requests(client, five, "answers").ask("lamp/state", "?")
        print(answer)
'''

WRONG = '''
from umqtt2 import aio

client = aio.MQTTClient("lamp", "broker", 1883, None, None, 60, True)  # by name only
aio.MQTTClient("lamp", "broker", kepalive=60)
aio.MQTTClient("lamp", "broker", keepalive="60")
aio.MQTTClient("lamp", "broker", will=("topic",))
aio.MQTTClient("lamp", "broker", clean_session=None)
aio.MQTTClient("lamp", "broker", queue="many")
aio.MQTTClient("lamp", "broker", transport=object())
aio.MQTTClient("lamp", "broker", network=("home", "its password"))
aio.MQTTClient("lamp")


async def main() -> None:
    client.publish("t", "not awaited")
    await client.publish("t", 17)
    await client.publish("t", 1.5)
    await client.publish("t", "m", qos="1")
    await client.publish("t", "m", QoS=1)
    await client.publish("t")
    await client.subscribe(17)
    await client.subscribe("t", 1)
    await client.subscribe(("t", "1"))
    await client.unsubscribe(("t", 1))
    await client.next("soon")
    client.set_callback(print)
    client.check_msg()
    client.messages(queue="many")
    print(client.is_connected)[0]
    text: str = (await client.next()).payload
    async for message in client.messages():
        print(message.msg)
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """With a cache for both."""
    return tmp_path_factory.mktemp("types")


def check(folder, program):
    """The lines that mypy finds fault with."""
    path = folder / "program.py"
    path.write_text(program)
    done = subprocess.run(
        [
            sys.executable, "-m", "mypy", "--strict", "--config-file", "setup.cfg", "--python-version", "3.9",
            "--cache-dir", str(folder / "cache"), "--no-error-summary", str(path),
        ],
        cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    return {int(n) for n in re.findall(r"program\.py:(\d+): error", done.stdout)}, done.stdout


@pytest.mark.parametrize("program", [RIGHT, RIGHT_5], ids=["3.1.1", "5"])
def test_a_right_program(folder, program):
    lines, output = check(folder, program)
    assert not lines, output
    assert "error" not in output


def test_every_wrong_line_is_refused(folder):
    lines, output = check(folder, WRONG)
    start = re.compile(r"\s+(await |client\.|print|text)|client = |aio\.")
    wrong = {n for n, line in enumerate(WRONG.splitlines(), 1) if start.match(line)}
    assert lines == wrong, output
