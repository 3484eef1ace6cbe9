"""The button: each press is one message, whatever the contacts and the network do."""

from __future__ import annotations

from collections.abc import Callable

from tests.device.observer import Observer
from tests.examples.board import Board
from tests.examples.gate import Gate

TOPIC = "home/button-1/presses"
DEBOUNCE = 100
LONG = DEBOUNCE // 2 + 10  # looks, at least 2 ms from one to the next
PRESS = "01001" + "0" * LONG + "10110" + "1" * LONG


def test_button(board: Board, gate: Callable[..., Gate], look: Callable[[str], Observer]) -> None:
    network = gate()
    observer = look(TOPIC)
    board.copy("button.py", BROKER="localhost", PORT=network.port, DEBOUNCE=DEBOUNCE)
    board.write("pins/0", "1")
    with board.start("button.py"):
        board.play(0, PRESS)
        assert observer.next(TOPIC) == (b"1", 1, False)
        network.shut()
        board.play(0, PRESS)
        board.play(0, PRESS)
        network.open()
        assert observer.next(TOPIC).payload == b"2"
        assert observer.next(TOPIC).payload == b"3"
        board.play(0, PRESS)
        assert observer.next(TOPIC).payload == b"4"
        assert observer.rest(TOPIC) == []
