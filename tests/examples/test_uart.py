"""The garden at the end of a serial line."""

from __future__ import annotations

from collections.abc import Callable

from tests.device.serial_line import SerialLine
from tests.examples.board import Board
from tools.testkit.mosquitto import Mosquitto
from tools.testkit.observer import Observer

HEAP_KB = 40  # robust
MOISTURE, VALVE = "garden/moisture", "garden/valve/set"


def test_uart(board: Board, broker: Mosquitto, observe: Callable[[str], Observer]) -> None:
    observer = observe("garden/#")
    board.copy("uart.py", INTERVAL=200)
    board.write("analog/26", "4711")
    with SerialLine(broker.port("plain")) as line:
        board.write("uart/1", line.path)
        with board.start("uart.py", HEAP_KB) as run:
            assert run.event("pin") == {"id": 5, "level": 0}
            assert observer.next(MOISTURE) == (b"4711", 1, False)
            observer.publish(VALVE, b"neither")
            observer.publish(VALVE, b"open", qos=1)
            assert run.event("pin") == {"id": 5, "level": 1}
            observer.publish(VALVE, b"closed", qos=1)
            assert run.event("pin") == {"id": 5, "level": 0}
            board.write("analog/26", "815")
            while observer.next(MOISTURE).payload != b"815":
                pass
