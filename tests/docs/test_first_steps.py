"""README.md and docs/first-program.md, typed as they stand, from an empty board to a program that runs."""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.docs.laptop import Laptop
from tests.docs.pages import DOCS, fenced
from tests.examples.board import wait_for_line
from tools import fetch
from tools.paths import REPO
from tools.testkit.mosquitto import Mosquitto
from tools.testkit.observer import Observer
from tools.testkit.ports import free_port
from tools.testkit.vm import Run
from umqtt2 import __version__

README = REPO / "README.md"
FIRST = DOCS / "first-program.md"


def check_kitchen(run: Run, observer: Observer) -> None:
    """See that the program of README does what it says."""
    assert observer.next("kitchen/temperature").payload == b"21.5"
    observer.publish("kitchen/lamp/set", b"on", qos=1)
    wait_for_line(run, "b'kitchen/lamp/set' b'on'")


def test_readme_on_the_laptop(laptop: Laptop, observer: Observer) -> None:
    laptop.save(README)
    assert "`python3 kitchen.py`" in README.read_text()
    with Run([sys.executable, "-u", "kitchen.py"], laptop.folder) as run:
        check_kitchen(run, observer)


def test_readme_on_a_board(laptop: Laptop, observer: Observer) -> None:
    laptop.save(README)
    laptop.type(README, "A first program")
    copy = re.search(r"`(\.venv/bin/mpremote cp examples/boot.py :boot.py)`", README.read_text())
    assert copy
    laptop.command(copy[1])
    with laptop.board.boot() as run:
        check_kitchen(run, observer)


def test_readme_with_robust_while_there_is_no_network(laptop: Laptop) -> None:
    laptop.address = f'"localhost", {free_port()}'
    laptop.save(README)
    source = (laptop.folder / "kitchen.py").read_text()
    for old, new in (("from umqtt2 import", "from umqtt2.robust import"), ("time.sleep(0.1)", "time.sleep(0.001)")):
        assert old in source
        source = source.replace(old, new)
    laptop.write("kitchen.py", source)
    with Run([sys.executable, "-u", "kitchen.py"], laptop.folder) as run:
        wait_for_line(run, "umqtt2: no connection: ")
        assert "50" in wait_for_line(run, "MQTTException: ")


def test_readme_first_test(laptop: Laptop) -> None:
    laptop.save(README)
    command = re.search(r"runs with `([^`]*)`", README.read_text())
    assert command
    assert "1 passed" in laptop.command(command[1])


def check_lamp(observer: Observer) -> None:
    """Switch the lamp of docs/first-program.md, as soon as it listens."""
    while not observer.rest("lamp"):
        observer.publish("lamp/set", b"on")
        time.sleep(0.2)


def on_the_laptop(line: str, port: int) -> str:
    """The command of a page, for the broker of the tests."""
    for program in ("pub", "sub"):
        line = line.replace(f"umqtt2 {program}", f"umqtt2 {program} -p {port}")
    return line.replace(".venv/bin/python", sys.executable)


def test_first_program_on_the_laptop(laptop: Laptop, broker: Mosquitto) -> None:
    port = broker.port("plain")
    laptop.save(FIRST)
    assert "1 passed" in laptop.type(FIRST, "Test it without a network")
    broker_line, both, others = [
        text for heading, text in fenced(FIRST, "sh") if heading == "Run it against a broker"
    ]
    assert "mosquitto version" in laptop.command(broker_line.replace("-p 1883", "-h || true"))
    on_cpython, on_micropython = both.strip().split("\n# or\n")
    for line in (on_cpython, on_micropython):
        wait_until = count_up(broker, "lamp-1 1 lamp/set")
        with Run(["bash", "-ec", f"exec {on_the_laptop(line, port)}"], laptop.folder):
            wait_until()
            see, switch = on_the_laptop(others, port).replace("python3", sys.executable).splitlines()
            wait_until = count_up(broker, " 0 lamp$")
            with Run(["bash", "-ec", f"exec {see.rstrip(' &')}"], laptop.folder) as seen:
                wait_until()
                laptop.command(switch)
                wait_for_line(seen, "lamp on")


def test_first_program_on_a_board(laptop: Laptop, tmp_path: Path) -> None:
    (conf,) = [text for heading, text in fenced(FIRST, "text") if heading == "Put it on a board"]
    port = free_port()
    (tmp_path / "lan.conf").write_text(conf.replace("1883", str(port)))
    laptop.address = f'"127.0.0.1", {port}'
    laptop.save(FIRST)
    with Run([str(fetch.mosquitto()), "-c", str(tmp_path / "lan.conf")]) as running:
        wait_for_line(running, "running")
        laptop.type(FIRST, "Put it on a board")
        with laptop.board.boot() as run, Observer(hostname="127.0.0.1", port=port) as observer:
            observer.subscribe("lamp")
            wait_for_line(run, "Wi-Fi: 192.0.2.7")
            check_lamp(observer)


def test_home_assistant_on_a_board(laptop: Laptop, broker: Mosquitto, observer: Observer) -> None:
    page = DOCS / "home-assistant.md"
    example = (REPO / "examples" / "home_assistant.py").read_text()
    (laptop.folder / "examples").unlink()
    (laptop.folder / "examples").mkdir()
    example = example.replace('"homeassistant.local"', '"localhost"').replace("1883", str(broker.port("plain")))
    (laptop.folder / "examples" / "home_assistant.py").write_text(example)
    (laptop.board.root / "pins").mkdir()
    laptop.board.heap_kb = 64  # the source is in the memory, too, when this board runs it
    laptop.type(page, "Put it on the board")
    topics = re.findall(r"`(homeassistant/\w+/[\w/-]+)`", page.read_text())
    assert len(topics) == 2
    with laptop.board.boot():
        for topic in topics:
            assert b"value_json" in observer.next(topic).payload


def test_installing_and_deleting(laptop: Laptop) -> None:
    page, there = DOCS / "installing.md", laptop.board.root / "lib" / "umqtt2"
    laptop.type(page, "Build it")
    laptop.type(page, "Over USB", 1)
    assert (there / "__init__.mpy").exists()
    laptop.type(page, "Another version, profile or form")
    assert not there.exists()
    built = laptop.folder / "build" / "device" / "simple"
    shutil.make_archive(str(laptop.folder / "dist" / f"umqtt2-{__version__}-simple"), "zip", built)
    there.parent.rmdir()
    laptop.type(page, "A ready archive")
    assert (there / "__init__.mpy").exists()


def test_without_lib_the_copy_goes_astray(laptop: Laptop) -> None:
    laptop.command("make device PROFILE=simple")
    laptop.board.mpremote("cp", "-r", str(laptop.folder / "build/device/simple/umqtt2"), ":/lib/")
    assert not (laptop.board.root / "lib" / "umqtt2").exists()


def count_up(broker: Mosquitto, pattern: str) -> Callable[[], None]:
    """Return a function that waits for one more line like this in the broker's log."""
    before = len(broker.times(pattern))

    def wait() -> None:
        end = time.monotonic() + 60
        while len(broker.times(pattern)) == before:
            assert time.monotonic() < end
            time.sleep(0.05)

    return wait
