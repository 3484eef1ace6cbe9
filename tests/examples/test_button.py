"""The button: each press is one message, whatever the contacts and the network do."""

from __future__ import annotations

from collections.abc import Callable

from tests.examples.board import Board
from tools.testkit.observer import Observer
from tools.testkit.proxy import Proxy

TOPIC = "home/button-1/presses"
DEBOUNCE = 100
LONG = DEBOUNCE // 2 + 10  # looks, at least 2 ms from one to the next
PRESS = "01001" + "0" * LONG + "10110" + "1" * LONG


def test_button(board: Board, make_proxy: Callable[..., Proxy], observe: Callable[[str], Observer]) -> None:
    proxy = make_proxy()
    observer = observe(TOPIC)
    board.copy("button.py", BROKER="localhost", PORT=proxy.port, DEBOUNCE=DEBOUNCE)
    board.write("pins/0", "1")
    with board.start("button.py"):
        board.set_levels(0, PRESS)
        assert observer.next(TOPIC) == (b"1", 1, False)
        proxy.block()
        board.set_levels(0, PRESS)
        board.set_levels(0, PRESS)
        proxy.unblock()
        assert observer.next(TOPIC).payload == b"2"
        assert observer.next(TOPIC).payload == b"3"
        board.set_levels(0, PRESS)
        assert observer.next(TOPIC).payload == b"4"
        assert observer.rest(TOPIC) == []
