"""The LED: it obeys, and the broker knows what it is, and whether it is there."""

from __future__ import annotations

from collections.abc import Callable

from tests.examples.board import Board
from tools.testkit.observer import Observer
from tools.testkit.proxy import Proxy

SET, STATE, STATUS = "home/led-1/set", "home/led-1/state", "home/led-1/status"


def test_led(board: Board, make_proxy: Callable[..., Proxy], observe: Callable[[str], Observer]) -> None:
    proxy = make_proxy()
    observer = observe("home/led-1/+")
    board.copy("led.py", BROKER="localhost", PORT=proxy.port)
    with board.start("led.py") as run:
        assert run.event("pin") == {"id": 2, "level": 0}
        assert observer.next(STATUS).payload == b"online"
        assert observer.next(STATE).payload == b"off"
        observer.publish(SET, b"on", qos=1, retain=True)
        assert run.event("pin")["level"] == 1
        assert observer.next(STATE).payload == b"on"
        # A message is acknowledged before the next one is read; one that is not would come again.
        observer.publish(SET, b"purple")
        assert run.prints("purple")
        later = observe("home/led-1/+")
        assert later.next(STATE) == (b"on", 0, True)
        assert later.next(STATUS) == (b"online", 0, True)

        # The network fails, and recovers.
        proxy.block()
        assert observer.next(STATUS).payload == b"offline"
        observer.publish(SET, b"off", qos=1)
        proxy.unblock()
        assert observer.next(STATUS).payload == b"online"
        assert observer.next(STATE).payload == b"on"
        assert run.event("pin")["level"] == 0
        assert observer.next(STATE).payload == b"off"
        observer.publish(SET, b"green")
        assert run.prints("green")

    # The power fails, and returns.
    assert observer.next(STATUS).payload == b"offline"
    assert observe(STATUS).next(STATUS).retain
    with board.start("led.py") as run:
        assert run.event("pin")["level"] == 0
        assert run.event("pin")["level"] == 1  # as the retained message says
        assert observer.next(STATUS).payload == b"online"
