"""umqtt2.aio on MicroPython, and on CPython, against the real broker."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import Any, Awaitable, Callable

import pytest

from tests.device.broker import Mosquitto
from tests.device.device import Device
from tests.device.observer import Message, Observer
from tests.device.proxy import Proxy, Server, closing, silent
from tests.device.test_refused import guarded  # noqa: F401
from umqtt2 import MQTTException, aio
from umqtt2.errno import ESUBACKFAIL

KEEPALIVE = 2
# The client wakes when a ping is due and when its answer arrives, and then checks for more.
WAKES_OF_A_PING = 6


@pytest.mark.everywhere
@pytest.mark.full
def test_asyncio_converses(each_device: Device) -> None:
    each_device.observer.subscribe(each_device.topic("up"), 2)
    with each_device.run("aio_converse", count=9) as run:
        run.event("ready")
        for payload in (b"one", b"two", b"three"):
            each_device.observer.publish(each_device.topic("down"), payload, qos=1)
        got = run.event("got")["messages"]
        assert got == [["down", text, False] for text in ("one", "two", "three")]
        assert run.event("cancelled") == {"count": 4, "stored": 0}
        run.event("left")
        each_device.finish(run)
    # The observer has a message at QoS 2 later than one at QoS 1 that was published after it.
    arrived = sorted(each_device.observer.next(each_device.topic("up")).payload for _ in range(11))
    assert arrived == [*[b"%d" % i for i in range(9)], b"cancelled", b"still here"]
    if each_device.broker:
        assert each_device.broker.wait_for(f"Received DISCONNECT from {each_device.client_id}$")


@pytest.mark.everywhere
@pytest.mark.full
def test_asyncio_reconnects(each_device: Device) -> None:
    if not each_device.broker:
        pytest.skip("needs a proxy between the device and the broker")
    each_device.observer.subscribe(each_device.topic("up"), 2)
    with Proxy(each_device.broker.port(each_device.listener)) as proxy:
        each_device.client["port"] = proxy.port
        with each_device.run("aio_reconnect", count=20) as run:
            run.event("ready")
            exactly: list[bytes] = []
            i = 0
            while len(exactly) < 10:
                message = each_device.observer.next(each_device.topic("up"))
                if message.qos == 2:
                    exactly.append(message.payload)
                i += 1
                if i in (3, 9, 13):
                    proxy.cut()
                    if i < 13:
                        each_device.observer.publish(each_device.topic("down"), b"%d" % i, qos=2)
            said = run.event("delivered")
            each_device.finish(run)
    assert sorted(exactly, key=int) == [b"%d" % i for i in range(1, 20, 2)]
    assert said["messages"] == [["down", "3", False], ["down", "9", False]]
    assert said["dropped"] == 0
    assert said["error"] != "None"


@pytest.mark.few
@pytest.mark.full
def test_asyncio_idles(each_device: Device) -> None:
    seconds = 4
    with each_device.run("aio_idle", keepalive=KEEPALIVE, seconds=seconds) as run:
        idle = run.event("idle")
        each_device.finish(run)
    pings = seconds // (KEEPALIVE / 2)
    assert pings <= idle["wakes"] <= (pings + 1) * WAKES_OF_A_PING


@pytest.mark.few
@pytest.mark.full
def test_asyncio_slow_consumer(each_device: Device) -> None:
    payloads = [b"%d" % i for i in range(12)]
    with each_device.run("aio_queue", seconds=4, count=len(payloads)) as run:
        run.event("ready")
        for payload in payloads:
            each_device.observer.publish(each_device.topic("down"), payload, qos=1)
        got = run.event("got")
        run.event("ups")
        each_device.finish(run)
    assert got == {"payloads": [payload.decode() for payload in payloads], "dropped": 0}
    if each_device.broker:
        assert len(each_device.broker.times(f"Received PINGREQ from {each_device.client_id}$")) >= 2
        assert len(each_device.broker.times(f"New client connected .* as {each_device.client_id} ")) == 1


@pytest.mark.few
@pytest.mark.full
@pytest.mark.parametrize("fault, said", [(closing, ["MQTTException", 1]), (silent, ["MQTTException", 30])])
def test_asyncio_first_connection(each_device: Device, fault: Any, said: list[object]) -> None:
    if "tls" in each_device.listener:
        pytest.skip("the faults are those of plain TCP")
    each_device.observer.subscribe(each_device.topic("up"))
    with Server(fault) as server, each_device.run("aio_first", fault=server.port) as run:
        assert run.event("connected") == {"said": said}
        each_device.finish(run)
    assert each_device.observer.next(each_device.topic("up")) == Message(b"after", 1)


@pytest.mark.few
@pytest.mark.full
def test_asyncio_leaves(each_device: Device) -> None:
    rounds = 10
    each_device.observer.subscribe(each_device.topic("up"))
    with each_device.run("aio_leave", count=rounds) as run:
        each_device.finish(run)
    said = [each_device.observer.next(each_device.topic("up")).payload for _ in range(rounds)]
    assert said == [b"%d" % i for i in range(rounds)]  # all its messages, and no last will


@pytest.mark.parametrize("tree", ["source", "full"], indirect=True)
@pytest.mark.parametrize("listener", ["anonymous", "tls"])
def test_asyncio_refused(device: Device, guarded: Mosquitto, listener: str) -> None:  # noqa: F811
    with Observer(hostname="127.0.0.1", port=guarded.port("anonymous")) as observer:
        with device.run("aio_refused", client=guarded.settings(listener)) as run:
            assert run.event("subscribed") == {"refused": True}
            observer.publish(device.topic("down"), b"still there", qos=1)
            assert run.event("got")["messages"] == [["down", "still there", False]]
            run.done()


# --- CPython -----------------------------------------------------------------------------------------

Play = Callable[[aio.MQTTClient], Awaitable[None]]


def on_cpython(settings: dict[str, Any], play: Play, **options: Any) -> None:
    """Run a coroutine function with a connected client."""

    async def main() -> None:
        async with aio.MQTTClient("aio-cpython", **settings, **options) as client:
            await asyncio.wait_for(play(client), 20)

    asyncio.run(main())


@pytest.mark.parametrize("listener", ["anonymous", "tls", "tls-client-cert"])
def test_cpython_converses(broker: Mosquitto, observer: Observer, listener: str) -> None:
    topic = f"umqtt2/aio/{listener}"
    observer.subscribe(f"{topic}/up", 2)
    large = bytes(range(256)) * 2000

    async def play(client: aio.MQTTClient) -> None:
        await client.subscribe(f"{topic}/down", 1)
        await asyncio.gather(*[client.publish(f"{topic}/up", str(i), qos=i % 3) for i in range(9)])
        await client.publish(f"{topic}/up", large, qos=1)
        await client.publish(f"{topic}/down", b"to itself")
        async for message in client.messages():
            assert message == (f"{topic}/down".encode(), b"to itself", False)
            break

    on_cpython(broker.settings(listener), play)
    arrived = {observer.next(f"{topic}/up").payload for _ in range(10)}
    assert arrived == {large, *[b"%d" % i for i in range(9)]}
    assert broker.wait_for("Received DISCONNECT from aio-cpython$")


@pytest.mark.parametrize("listener", ["anonymous", "tls"])
def test_cpython_leaves(broker: Mosquitto, observer: Observer, listener: str) -> None:
    topic = f"umqtt2/aio/{listener}/leave"
    observer.subscribe(f"{topic}/up")
    rounds = 20
    for i in range(rounds):

        async def main(text: str) -> None:
            client = aio.MQTTClient("aio-cpython", **broker.settings(listener), queue=2)
            client.set_last_will(f"{topic}/up", "the last will")
            async with client:
                await client.subscribe(f"{topic}/down")
                for _ in range(20):
                    await client.publish(f"{topic}/down", bytes(5000))
                await client.publish(f"{topic}/up", text)

        asyncio.run(main(str(i)))
    assert [observer.next(f"{topic}/up").payload for _ in range(rounds)] == [b"%d" % i for i in range(rounds)]


@pytest.mark.parametrize("listener", ["anonymous", "tls"])
def test_cpython_reconnects(broker: Mosquitto, observer: Observer, listener: str) -> None:
    topic = f"umqtt2/aio/{listener}/cut"
    observer.subscribe(topic, 2)

    async def play(client: aio.MQTTClient) -> None:
        for i in range(20):
            if i % 5 == 2:
                proxy.cut()
            await client.publish(topic, str(i), qos=2)

    with Proxy(broker.port(listener)) as proxy:
        settings = {**broker.settings(listener), "port": proxy.port}
        on_cpython(settings, play, backoff=(0.05, 0.1))
    assert [observer.next(topic).payload for _ in range(20)] == [b"%d" % i for i in range(20)]


@pytest.mark.parametrize("listener", ["anonymous", "tls"])
def test_cpython_idles(broker: Mosquitto, listener: str) -> None:
    seconds = 4
    wakes = 0

    async def play(client: aio.MQTTClient) -> None:
        nonlocal wakes
        await asyncio.sleep(0.2)
        selector = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]
        select = selector.select

        def counted(timeout: float | None = None) -> object:
            nonlocal wakes
            wakes += 1
            return select(timeout)

        selector.select = counted
        await asyncio.sleep(seconds)
        selector.select = select

    on_cpython(broker.settings(listener), play, keepalive=KEEPALIVE)
    pings = seconds // (KEEPALIVE / 2)
    assert pings <= wakes <= (pings + 1) * WAKES_OF_A_PING


def test_cpython_refused(guarded: Mosquitto) -> None:  # noqa: F811
    async def play(client: aio.MQTTClient) -> None:
        with pytest.raises(MQTTException) as caught:
            await client.subscribe("umqtt2/x/forbidden")
        assert caught.value.args[0] == ESUBACKFAIL
        await client.subscribe("umqtt2/x/allowed")

    on_cpython(guarded.settings("anonymous"), play)


class SlowProxy(Proxy):
    """Forwards the device's bytes slowly."""

    def _relay(self, device: socket.socket) -> None:
        broker = socket.create_connection(("127.0.0.1", self._broker_port))
        self._open.append(broker)
        threading.Thread(target=self._down, args=(broker, device), daemon=True).start()
        try:
            while data := device.recv(100000):
                time.sleep(0.01)
                broker.sendall(data)
        except OSError:
            pass


@pytest.mark.parametrize("listener", ["anonymous", "tls"])
def test_cpython_slow_network_holds_up_nobody(
    broker: Mosquitto, observer: Observer, listener: str
) -> None:
    topic = f"umqtt2/aio/{listener}/slow"
    observer.subscribe(topic, 1)
    payload = bytes(range(256)) * 40000
    turns: list[bool] = []

    async def play(client: aio.MQTTClient) -> None:
        publishing = asyncio.create_task(client.publish(topic, payload, qos=1))
        await asyncio.sleep(0)
        while not publishing.done():
            turns.append(client.is_connected())
            await asyncio.sleep(0.001)
        await publishing

    with SlowProxy(broker.port(listener)) as proxy:
        on_cpython({**broker.settings(listener), "port": proxy.port}, play, socket_timeout=20)
    assert len(turns) > 10 and all(turns)
    assert observer.next(topic).payload == payload
