"""The greenhouse: it measures, obeys and blinks at once, and the network may go and come."""

from __future__ import annotations

from collections.abc import Callable

from tests.device.machine import Run
from tests.device.observer import Observer
from tests.examples.board import Board, wait_for_line
from tests.examples.gate import Gate

TOPIC = "home/greenhouse-1/"
LED, WINDOW = 2, 4
HEAP_KB = 48  # an ESP32 has more; asyncio itself takes some


def next_level(run: Run, pin: int) -> int:
    """Wait until the program switches a pin; the others may be switched meanwhile."""
    while True:
        said = run.event("pin")
        if said["id"] == pin:
            return int(said["level"])


def test_asyncio_client(board: Board, gate: Callable[..., Gate], look: Callable[[str], Observer]) -> None:
    network = gate()
    network.shut()
    moisture, window = look(TOPIC + "moisture"), look(TOPIC + "window")
    board.copy("asyncio_client.py", BROKER="localhost", PORT=network.port, INTERVAL=0.2, BLINK=0.1)
    board.write("analog/34", "32768")
    with board.start("asyncio_client.py", HEAP_KB) as run:
        assert next_level(run, WINDOW) == 0
        wait_for_line(run, "not connected")
        network.open()
        assert moisture.next(TOPIC + "moisture") == (b"50", 1, False)
        for word, level in ((b"open", 1), (b"shut", 0)):
            window.publish(TOPIC + "window/set", word, qos=1)
            assert next_level(run, WINDOW) == level
            assert window.next(TOPIC + "window").payload == word
            assert next_level(run, LED) in (0, 1)

        network.shut()
        window.publish(TOPIC + "window/set", b"open", qos=1)
        board.write("analog/34", "65535")
        network.open()
        assert next_level(run, WINDOW) == 1
        assert window.next(TOPIC + "window").payload == b"open"
        while moisture.next(TOPIC + "moisture").payload != b"100":
            pass
