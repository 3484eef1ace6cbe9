"""umqtt2.aio on CPython, against a real broker: with its default settings, and without a limit in flight."""

from __future__ import annotations

import asyncio
from typing import Any, Coroutine, Iterator

import pytest

from tools.testkit.certificates import Certificates
from tools.testkit.mosquitto import LISTENERS, Mosquitto
from tools.testkit.observer import Observer
from umqtt2 import aio

try:
    import uvloop
except ImportError:  # not on Windows
    uvloop = None  # type: ignore[assignment]

WINDOWS = {"default": [], "unlimited": ["max_inflight_messages 0", "max_queued_messages 0"]}
COUNT = 1000


class Broker:
    """mosquitto with one of those windows, and an observer."""

    def __init__(self, mosquitto: Mosquitto, observer: Observer) -> None:
        self.mosquitto = mosquitto
        self.observer = observer

    def client(self, name: str, listener: str = "anonymous", **options: Any) -> aio.MQTTClient:
        settings: dict[str, Any] = self.mosquitto.settings(listener)
        return aio.MQTTClient(name, **settings, verbose=False, **options)


@pytest.fixture(scope="module", params=WINDOWS)
def peer(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[Broker]:
    lines = WINDOWS[request.param]
    listeners = [item for item in LISTENERS if item.name in ("anonymous", "tls")]
    if lines:
        lines = ["per_listener_settings false", *lines]
        listeners = listeners[:1]
    folder = tmp_path_factory.mktemp(request.param)
    with Mosquitto(folder, certificates, listeners, lines) as mosquitto:
        with Observer(hostname="127.0.0.1", port=mosquitto.port("anonymous")) as observer:
            yield Broker(mosquitto, observer)


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(coroutine, 90))


def numbers(count: int) -> list[bytes]:
    return [b"%d" % i for i in range(count)]


@pytest.mark.parametrize("queue", [7, 20])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_many_messages_that_are_answered_with_an_acknowledged_publish_each(peer: Broker, qos: int, queue: int) -> None:
    prefix = f"umqtt2/aio-many/{queue}/{qos}"
    peer.observer.subscribe(f"{prefix}/answer", 1)
    answered: list[bytes] = []

    async def answer(client: aio.MQTTClient) -> None:
        async for message in client.messages():
            await client.publish(f"{prefix}/answer", message.payload, qos=1)
            answered.append(message.payload)

    async def send(client: aio.MQTTClient) -> None:
        for i in range(0, COUNT, 20):
            await asyncio.gather(*[client.publish(f"{prefix}/ask", str(n), qos=qos) for n in range(i, i + 20)])

    async def main() -> None:
        async with peer.client(f"answer-{qos}-{queue}", queue=queue, backoff=(0.01, 0.01)) as client:
            await client.subscribe(f"{prefix}/ask", qos=qos)
            task = asyncio.ensure_future(answer(client))
            async with peer.client(f"ask-{qos}-{queue}") as other:
                await send(other)
            before = -1
            while len(set(answered)) + client.dropped < COUNT and not task.done():
                if not qos and before == len(answered):
                    break  # mosquitto drops those at QoS 0 itself when too many wait
                before = len(answered) if not qos else -1
                await asyncio.sleep(0.5)
            await asyncio.sleep(0.2)
            assert not task.done()
            if qos:
                assert client.dropped == 0
            task.cancel()

    run(main())
    if qos:
        assert list(dict.fromkeys(answered)) == numbers(COUNT)  # at QoS 1 some may come again, after a reconnect
        if qos == 2:
            assert len(answered) == COUNT
        told = [peer.observer.next(f"{prefix}/answer").payload for _ in answered]
        assert set(told) == set(numbers(COUNT))
    else:
        assert answered == sorted(answered, key=int)
        assert len(set(answered)) == len(answered)


@pytest.mark.parametrize("unread", [False, True])
def test_leaving_publishes_no_last_will_and_what_was_published_before_arrives(peer: Broker, unread: bool) -> None:
    topic = f"umqtt2/aio-leaving/{unread}"
    for name in ("up", "will"):
        peer.observer.subscribe(f"{topic}/{name}")
    for i in range(10):
        peer.observer.publish(f"{topic}/kept/{i}", bytes(2000), 1, retain=True)

    async def main() -> None:
        client = peer.client(f"leaving-{unread}", will=(f"{topic}/will", "died", False, 1), clean_session=True)
        for i in range(100):
            async with client:
                if unread:
                    await client.subscribe(f"{topic}/kept/#", qos=1)
                await client.publish(f"{topic}/up", str(i))

    run(main())
    assert [peer.observer.next(f"{topic}/up").payload for _ in range(100)] == numbers(100)
    peer.observer.publish(f"{topic}/will", b"fence", 1)  # the broker publishes this after everything before it
    assert peer.observer.next(f"{topic}/will").payload == b"fence"
    for i in range(10):
        peer.observer.publish(f"{topic}/kept/{i}", b"", 1, retain=True)


@pytest.mark.parametrize("count", [21, 200])
def test_more_publishes_at_once_than_the_session_keeps(peer: Broker, count: int) -> None:
    topic = f"umqtt2/aio-at-once/{count}"
    peer.observer.subscribe(topic, 2)

    async def main() -> None:
        async with peer.client(f"at-once-{count}") as client:
            await asyncio.gather(*[client.publish(topic, str(i), qos=2) for i in range(count)])

    run(main())
    assert sorted(int(peer.observer.next(topic).payload) for _ in range(count)) == list(range(count))


@pytest.mark.parametrize("loop", ["asyncio", *(["uvloop"] if uvloop else [])])
@pytest.mark.parametrize("listener", ["anonymous", "tls"])
def test_converses(broker: Mosquitto, observer: Observer, listener: str, loop: str) -> None:
    prefix = f"umqtt2/aio-converse/{listener}/{loop}"
    large = bytes(range(256)) * 28
    observer.subscribe(f"{prefix}/up")

    async def main() -> None:
        settings: dict[str, Any] = broker.settings(listener)
        async with aio.MQTTClient(prefix.replace("/", "-"), **settings) as client:
            assert await client.subscribe(f"{prefix}/down", ("$SYS/x", 2), qos=1) == (1, 2)
            await client.publish(f"{prefix}/up", large, qos=2)
            for qos in (0, 1):
                await client.publish(f"{prefix}/down", large, qos=qos)
                message = await client.next(20)
                assert message == aio.Message(f"{prefix}/down".encode(), large, False, qos, False)

    if loop == "uvloop":
        new = uvloop.new_event_loop()
        try:
            new.run_until_complete(main())
        finally:
            new.close()
    else:
        run(main())
    assert observer.next(f"{prefix}/up").payload == large
