"""The greenhouse: it measures, follows commands and blinks concurrently, despite network failures."""

from __future__ import annotations

from collections.abc import Callable

from tests.examples.board import Board, wait_for_line
from tools.testkit.mosquitto import Mosquitto
from tools.testkit.observer import Observer
from tools.testkit.proxy import Proxy
from tools.testkit.vm import Run

TOPIC = "home/greenhouse-1/"
LED, WINDOW = 2, 4
HEAP_KB = 54  # an ESP32 has more; asyncio itself takes some, and full has robust and MQTT 5, too


def next_level(run: Run, pin: int) -> int:
    """Wait until the program switches a pin; the others may be switched meanwhile."""
    while True:
        said = run.event("pin")
        if said["id"] == pin:
            return int(said["level"])


def wait_for(observe: Callable[[], object], wanted: object, before: object) -> None:
    """Take what comes until it is `wanted`. At QoS 1 what came `before` a cut may come again."""
    while (got := observe()) != wanted:
        assert got == before


def test_asyncio_client(
    board: Board, broker: Mosquitto, make_proxy: Callable[..., Proxy], observe: Callable[[str], Observer]
) -> None:
    proxy = make_proxy()
    proxy.block()
    moisture, window = observe(TOPIC + "moisture"), observe(TOPIC + "window")
    board.copy("asyncio_client.py", BROKER="localhost", PORT=proxy.port, INTERVAL=0.2, BLINK=0.1)
    board.write("analog/34", "32768")
    with board.start("asyncio_client.py", HEAP_KB) as run:
        assert next_level(run, WINDOW) == 0
        wait_for_line(run, "not connected")
        proxy.unblock()
        assert moisture.next(TOPIC + "moisture") == (b"50", 1, False)
        assert broker.wait_for("Sending SUBACK to greenhouse-1$")  # what comes before is lost
        for word, level, last in ((b"open", 1, b""), (b"shut", 0, b"open")):
            window.publish(TOPIC + "window/set", word, qos=1)
            # On a machine under load a connection may be lost here, too.
            wait_for(lambda: next_level(run, WINDOW), level, before=1 - level)
            wait_for(lambda: window.next(TOPIC + "window").payload, word, before=last)
            assert next_level(run, LED) in (0, 1)

        proxy.block()
        window.publish(TOPIC + "window/set", b"open", qos=1)
        board.write("analog/34", "65535")
        proxy.unblock()
        wait_for(lambda: next_level(run, WINDOW), 1, before=0)
        wait_for(lambda: window.next(TOPIC + "window").payload, b"open", before=b"shut")
        wait_for(lambda: moisture.next(TOPIC + "moisture").payload, b"100", before=b"50")
