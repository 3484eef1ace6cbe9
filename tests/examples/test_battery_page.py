"""The program of docs/battery.md, "The pattern", on the 32-bit VM: 100 readings that wait, and brokers that are
away, refuse, and forget."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from tests.docs.pages import DOCS, fenced
from tests.examples.board import Board, wait_for_line
from tools.testkit.mosquitto import Mosquitto
from tools.testkit.observer import Observer
from tools.testkit.ports import free_port
from tools.testkit.proxy import Proxy, Server
from umqtt2 import MQTTClient

HEAP_KB = 64  # 200 readings may wait
READINGS, COMMANDS = "shed/temperature", "shed/set"
FILL = f"""
from umqtt2.session.file import FileSession
session = FileSession("outbox", 200)
for i in range(100):
    session.add(0x32, b"{READINGS}", b"%d" % i, 0, 100)
print("full")
"""


def refuse(sock: socket.socket) -> None:
    """Say that user or password is wrong."""
    sock.recv(1000)
    sock.sendall(b"\x20\x02\0\4")


@pytest.fixture
def wake(board: Board) -> Callable[..., list[str]]:
    """Let the device wake up once, with a reading and the broker's port; give what it prints."""
    (program,) = [text for heading, text in fenced(DOCS / "battery.md", "python") if heading == "The pattern"]

    def run(reading: int, port: int) -> list[str]:
        text = program
        for old, new in (
            ('"21.5"', f'"{reading}"'),
            ('"broker.local"', f'"localhost", {port}'),
            ("/outbox", "outbox"),
            ("socket_timeout=3", "socket_timeout=60"),  # for a busy machine
            ("< 5000", "< 60000"),
        ):
            assert text.count(old) == 1
            text = text.replace(old, new)
        board.write("main.py", text)
        with board.start("main.py", HEAP_KB) as started:
            assert started.event("deepsleep") == {"ms": 300_000}
        return started.output

    return run


def test_a_hundred_readings_wait(
    board: Board, wake: Callable[..., list[str]], make_proxy: Callable[..., Proxy], observe: Callable[[str], Observer]
) -> None:
    observer = observe(READINGS)
    board.write("fill.py", FILL)
    with board.start("fill.py", HEAP_KB) as run:
        wait_for_line(run, "full")
    wake(100, make_proxy().port)
    assert [int(observer.next(READINGS).payload) for _ in range(101)] == [*range(101)]


def test_brokers_that_are_away_refuse_and_forget(
    wake: Callable[..., list[str]], broker: Mosquitto, observe: Callable[[str], Observer]
) -> None:
    observer = observe(READINGS)
    port = broker.port("plain")

    def arrived(count: int) -> list[int]:
        return [int(observer.next(READINGS).payload) for _ in range(count)]

    wake(1, port)
    assert arrived(1) == [1]
    wake(2, free_port())
    with Server(refuse) as server:
        assert any("ECONCREDENTIALS" in line for line in wake(3, server.port))
    observer.publish(COMMANDS, b"on", qos=1)
    assert f"b'{COMMANDS}' b'on'" in wake(4, port)
    assert arrived(3) == [2, 3, 4]

    other = MQTTClient("shed-1", "localhost", port)
    other.connect(clean_session=True)  # the broker forgets the device's session
    other.disconnect()
    wake(5, port)
    assert arrived(1) == [5]
    observer.publish(COMMANDS, b"off", qos=1)
    assert f"b'{COMMANDS}' b'off'" in wake(6, port)
    assert arrived(1) == [6]
