"""umqtt2.aio on MicroPython, and on CPython, against the real broker."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Awaitable, Callable, Iterator

import pytest

from tests.device.conftest import SELECTION
from tests.device.device import Device
from tests.device.machine import Vm
from tests.device.test_refused import guarded  # noqa: F401
from tools.testkit.certificates import Certificates
from tools.testkit.mosquitto import LISTENERS, Mosquitto
from tools.testkit.observer import Message, Observer
from tools.testkit.proxy import Proxy, Server, closing, deaf, silent
from umqtt2 import MQTTException, aio
from umqtt2.errno import ESUBACKFAIL

KEEPALIVE = 2
# The client wakes when a ping is due and when its answer arrives, and then checks for more.
WAKES_OF_A_PING = 6
TURNS_TO_LEAVE = 8  # of the event loop


@pytest.mark.everywhere
@pytest.mark.aio
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
@pytest.mark.aio
def test_asyncio_reconnects(each_device: Device) -> None:
    each_device.observer.subscribe(each_device.topic("up"), 2)
    with each_device.behind_proxy() as proxy:
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
@pytest.mark.aio
def test_asyncio_idles(each_device: Device) -> None:
    seconds = 4
    with each_device.run("aio_idle", keepalive=KEEPALIVE, seconds=seconds) as run:
        idle = run.event("idle")
        each_device.finish(run)
    pings = seconds // (KEEPALIVE / 2)
    assert pings <= idle["wakes"] <= (pings + 1) * WAKES_OF_A_PING


@pytest.mark.few
@pytest.mark.aio
def test_asyncio_slow_consumer(each_device: Device) -> None:
    payloads = [b"%d" % i for i in range(12)]
    with each_device.run("aio_queue", seconds=4, count=len(payloads)) as run:
        run.event("ready")
        for payload in payloads:
            each_device.observer.publish(each_device.topic("down"), payload, qos=1)
        got = run.event("got")
        each_device.finish(run)
    assert got == {"payloads": [payload.decode() for payload in payloads], "dropped": 0}
    if each_device.broker:
        assert len(each_device.broker.times(f"Received PINGREQ from {each_device.client_id}$")) >= 2
        assert len(each_device.broker.times(f"New client connected .* as {each_device.client_id} ")) == 1


@pytest.mark.everywhere
@pytest.mark.few
@pytest.mark.aio
@pytest.mark.parametrize("qos", [1, 2])
def test_asyncio_gives_again_what_was_not_processed(each_device: Device, qos: int) -> None:
    with each_device.run("aio_worker") as run:
        run.event("ready")
        for i in range(5):
            each_device.observer.publish(each_device.topic("down"), b"%d" % i, qos=qos)
        got = run.event("got")["payloads"]
        each_device.finish(run)
    assert got == ["1", "2", "3", "3", "4"]


@pytest.mark.few
@pytest.mark.aio
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
@pytest.mark.aio
def test_asyncio_leaves(each_device: Device, quick_broker: Mosquitto) -> None:
    rounds = 34 if "tls" in each_device.listener else 70  # for each build
    each_device.client = quick_broker.settings(each_device.listener)
    with Observer(hostname="127.0.0.1", port=quick_broker.port("anonymous")) as observer:
        observer.subscribe(each_device.topic("up"))
        with each_device.run("aio_leave", count=rounds) as run:
            grown = run.event("left")["grown"]
            each_device.finish(run)
        said = [observer.next(each_device.topic("up")).payload for _ in range(rounds)]
    assert said == [b"%d" % i for i in range(rounds)]  # all its messages, and no last will
    assert grown < 2000  # bytes, of which the list of figures takes some


@pytest.mark.few
@pytest.mark.aio
def test_asyncio_leaves_at_once_while_the_broker_is_away(each_device: Device) -> None:
    each_device.observer.subscribe(each_device.topic("up"))
    with each_device.run("aio_away") as run:
        left = run.event("left")["left"]
        each_device.finish(run)
    results = [[how, result] for how, result, _ in left]
    assert results == [
        ["end", 28],
        ["raise", "KeyError"],
        ["cancel", "CancelledError"],
        ["disconnect", 28],
        ["connect", 28],
    ]
    # The last one connects and leaves again after that.
    assert max(turns for _, _, turns in left[:-1]) <= TURNS_TO_LEAVE


@pytest.mark.few
@pytest.mark.aio
def test_asyncio_leaves_at_once_while_the_network_is_blocked(each_device: Device) -> None:
    if "tls" in each_device.listener:
        pytest.skip("the server is one of plain TCP")
    with Server(deaf) as server:
        each_device.client["port"] = server.port
        with each_device.run("aio_blocked") as run:
            run.event("blocked")
            left = run.event("left")
            each_device.finish(run)
    assert left["ended"] == ["MQTTException", "MQTTException"]
    assert left["turns"] <= TURNS_TO_LEAVE


@pytest.mark.everywhere
@pytest.mark.few
@pytest.mark.aio
def test_asyncio_cancelled_at_each_turn(each_device: Device, quick_broker: Mosquitto) -> None:
    if each_device.extra.get("gc_stress"):
        pytest.skip("takes too long")
    each_device.client = quick_broker.settings(each_device.listener)
    turns = [0, 1, 2, 3, 4, 5, 6, 8, 11, 15, 20, 50, 200]
    with each_device.run("aio_cancel", turns=turns) as run:
        assert run.event("swept")["cancelled"] > 40
        each_device.finish(run)


@pytest.fixture(scope="module")
def eager_broker(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Mosquitto]:
    """A broker that sends as many messages as it has before it waits for acknowledgements."""
    listeners = [item for item in LISTENERS if item.name in SELECTION]
    lines = ["per_listener_settings true", "max_inflight_messages 0", "max_queued_messages 0"]
    with Mosquitto(tmp_path_factory.mktemp("eager"), certificates, listeners, lines) as running:
        yield running


@pytest.mark.few
@pytest.mark.aio
@pytest.mark.timeout(300)
@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_asyncio_answers_each_message(
    each_device: Device, request: pytest.FixtureRequest, eager: bool, qos: int
) -> None:
    observer, count = each_device.observer, 300 if "tls" in each_device.listener else 1000
    with ExitStack() as stack:
        if eager:
            other = request.getfixturevalue("eager_broker")
            each_device.client = other.settings(each_device.listener)
            observer = stack.enter_context(Observer(hostname="127.0.0.1", port=other.port("anonymous")))
        observer.subscribe(each_device.topic("up"), 1)
        run = stack.enter_context(each_device.run("aio_echo", count=count))
        run.event("ready")
        observer.publish_all(each_device.topic("down"), [b"%d" % i for i in range(count)], qos)
        said = run.event("answered", 100)
        each_device.finish(run)
        answers = [int(observer.next(each_device.topic("up")).payload) for _ in range(said["answered"])]
    if qos:
        assert said["error"] == "None"  # a connection that breaks, for want of memory, may double an answer
        assert answers == list(range(count))
        assert said["dropped"] == 0
    else:
        assert answers == sorted(set(answers))
        assert len(answers) + said["dropped"] == count


@contextmanager
def without(folder: Path, names: tuple[str, ...]) -> Iterator[None]:
    """Take files of the package away from a VM, for a while."""
    files = [folder / "umqtt2" / f"{name}.mpy" for name in names]
    for file in files:
        file.rename(file.with_suffix(".away"))
    try:
        yield
    finally:
        for file in files:
            file.with_suffix(".away").rename(file)


# Those that are loaded when a connection ends, and for the next one; all of them, as after os.chdir().
LOADED_TO_CONNECT = (("connect",), ("open",), ("connect", "open", "end"))


@pytest.mark.parametrize("tree", ["aio"], indirect=True)
def test_asyncio_connects_again_when_its_files_are_there_again(device: Device, observer: Observer) -> None:
    assert isinstance(device.machine, Vm)
    with without(device.machine.folder, ("open",)), device.run("aio_files") as run:
        run.event("not connected")  # the first attempt tells a mistake
        run.done()
    with device.behind_proxy() as proxy, device.run("aio_files", rounds=len(LOADED_TO_CONNECT)) as run:
        with without(device.machine.folder, ("subscribe",)):
            for names in LOADED_TO_CONNECT:
                run.event("up")
                with without(device.machine.folder, names):
                    proxy.cut()
                    run.event("failed")
            assert run.event("not subscribed") == {"waiting": 0}
        run.event("subscribed")
        observer.publish(device.topic("down"), b"still there", qos=1)
        assert run.event("got") == {"payload": "still there"}
        run.done()


@pytest.mark.parametrize("tree", ["source", "aio"], indirect=True)
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
        await client.subscribe(f"{topic}/down", qos=1)
        await asyncio.gather(*[client.publish(f"{topic}/up", str(i), qos=i % 3) for i in range(9)])
        await client.publish(f"{topic}/up", large, qos=1)
        await client.publish(f"{topic}/down", b"to itself")
        async for message in client.messages():
            assert message == (f"{topic}/down".encode(), b"to itself", False, 0, False)
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
            will = (f"{topic}/up", "the last will", False, 1)
            async with aio.MQTTClient("aio-cpython", **broker.settings(listener), queue=2, will=will) as client:
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

    def _forward(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        if answers:
            return super()._forward(source, target, answers)
        try:
            while data := source.recv(100000):
                time.sleep(0.01)
                target.sendall(data)
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
