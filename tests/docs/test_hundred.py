"""The programs of asyncio.md, qos.md and large-payloads.md with a hundred messages, on a VM and with mosquitto, which
sends no more than 20 that are not acknowledged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.board import Board
from tests.docs.laptop import Laptop
from tests.docs.pages import DOCS, blocks, headings
from tests.examples.board import wait_for_line
from tools.device import install
from tools.testkit.mosquitto import Mosquitto
from tools.testkit.observer import Observer
from tools.testkit.vm import Run

ASYNCIO, QOS, LARGE = DOCS / "asyncio.md", DOCS / "qos.md", DOCS / "large-payloads.md"
N = 100
COUNT = [b"%d" % i for i in range(N)]
IMPORTS = "import asyncio\nfrom umqtt2.aio import MQTTClient\n"
MAIN = """
async def main():
    async with MQTTClient("another-1", "broker.local") as client:
        {}

asyncio.run(main())
"""


@pytest.fixture
def reader(tmp_path: Path, broker: Mosquitto) -> Iterator[Laptop]:
    """Someone with a board that has the build `full`."""
    board = Board(tmp_path / "board", 72)
    install("full", board.root / "lib")
    folder = tmp_path / "checkout"
    folder.mkdir()
    yield Laptop(folder, board, f'"localhost", {broker.port("plain")}')
    board.close()


def block(page: Path, heading: str, nth: int = 0) -> str:
    """The program below a heading."""
    return blocks(page)[headings(page).index(heading) + nth]


def start(reader: Laptop, source: str) -> Run:
    """Put a program on the board, and switch it on."""
    reader.write("main.py", source)
    (reader.folder / "main.py").replace(reader.board.root / "main.py")
    return reader.board.boot()


def subscribed(broker: Mosquitto, topic: str) -> None:
    """Wait until somebody has subscribed."""
    assert broker.wait_for(rf" \d {topic}$")


def test_the_first_program_of_asyncio(reader: Laptop, broker: Mosquitto, observer: Observer) -> None:
    with start(reader, block(ASYNCIO, "A first program")):
        subscribed(broker, "lamp-1/set")
        observer.publish_all("lamp-1/set", COUNT, 1)
        assert [observer.next("lamp-1/state").payload for _ in COUNT] == COUNT


def test_a_handler_for_each_filter(reader: Laptop, broker: Mosquitto, observer: Observer) -> None:
    source = block(ASYNCIO, "A handler for each filter")
    with start(reader, IMPORTS + source + MAIN.format("await dispatch(client)")) as run:
        subscribed(broker, r"alarm/\+")
        observer.publish_all("lamp-1/set", COUNT, 1)
        observer.publish("alarm/smoke", b"1", qos=1)
        wait_for_line(run, "alarm in b'alarm/smoke'")
        assert [line for line in run.output if "set to" in line] == [f"set to {payload!r}" for payload in COUNT]


def test_ask_and_be_answered(reader: Laptop, broker: Mosquitto, observer: Observer) -> None:
    source = block(ASYNCIO, "A message with a time limit").replace("next(5)", "next(60)")
    with start(reader, IMPORTS + source + MAIN.format("print(await ask(client))")) as run:
        assert observer.next("meter/ask").payload == b"energy"
        observer.publish("meter/answer", b"230.1", qos=1)
        wait_for_line(run, "b'230.1'")
        assert broker.wait_for("Received DISCONNECT from another-1")  # acknowledged: no other test gets the answer


def test_several_workers(reader: Laptop, broker: Mosquitto, observer: Observer) -> None:
    source = block(ASYNCIO, "Several workers").replace("sleep(1)", "sleep(0.01)")
    with start(reader, IMPORTS + source + MAIN.format("await work(client)")) as run:
        subscribed(broker, "jobs/#")
        observer.publish_all("jobs/x", COUNT, 1)
        wait_for_line(run, f"works on {COUNT[-1]!r}")
        lines = [line for line in list(run.output) if "works on" in line]
        assert [line.rpartition(" ")[2] for line in lines] == [str(payload) for payload in COUNT]
        assert {line[:8] for line in lines} == {"worker 0", "worker 1", "worker 2"}


def test_qos(reader: Laptop, observer: Observer) -> None:
    source = "\n".join(blocks(QOS))
    with start(reader, source) as run:
        wait_for_line(run, "granted with QoS 1")
    said = [line for line in run.output if line.startswith("the broker has")]
    assert said[0] == "the broker has 21.5"
    assert said[1:] == [f"the broker has {i}" for i in range(N)]
    assert [observer.next("kitchen/count").payload for _ in COUNT] == COUNT


def test_large_payloads(reader: Laptop, broker: Mosquitto, observer: Observer) -> None:
    picture = bytes(range(256)) * 200
    (reader.board.root / "picture.jpg").write_bytes(picture)
    with start(reader, block(LARGE, "Sending")) as run:
        wait_for_line(run, "the broker has it")
    assert observer.next("camera/picture").payload == picture
    with start(reader, block(LARGE, "Receiving")) as run:
        subscribed(broker, "camera/update")
        observer.publish("camera/update", picture, qos=1)
        wait_for_line(run, f"complete: {len(picture)} bytes")
    assert (reader.board.root / "update.new").read_bytes() == picture


@pytest.mark.parametrize("nth", [0, 1], ids=["robust", "plain"])
def test_mqtt_as_without_asyncio(reader: Laptop, broker: Mosquitto, observer: Observer, nth: int) -> None:
    page = DOCS / "from-mqtt-as.md"
    source = block(page, "Without asyncio", nth).replace("sleep(0.05)", "sleep(0.001)")
    if nth:
        first = block(page, "Without asyncio").partition("client = ")[0]  # what is used again
        source = first + source.replace("board-1", "board-2")
    with start(reader, source) as run:
        assert [observer.next("result").payload for _ in range(3)] == COUNT[:3]
        observer.publish("foo_topic", b"hello", qos=1)
        wait_for_line(run, "b'foo_topic' b'hello' False")
