"""The sleeping sensor: every reading arrives, also those taken while the broker was unreachable."""

from __future__ import annotations

from collections.abc import Callable

from tests.examples.board import Board, wait_for_line
from tools.testkit.observer import Observer
from tools.testkit.proxy import Proxy

TOPIC = "garden/moisture-1"
HEAP_KB = 48  # robust, and a store that keeps messages in a file
WAITING = 50
FILL = f"""
from umqtt2.session.file import FileSession
session = FileSession("readings", {WAITING})
while session.waiting() < {WAITING}:
    session.add(0x32, b"{TOPIC}", b"0 %d" % session.waiting(), 0, 100)
print("full")
"""


def test_deep_sleep(board: Board, make_proxy: Callable[..., Proxy], observe: Callable[[str], Observer]) -> None:
    proxy = make_proxy()
    observer = observe(TOPIC)
    board.copy("deep_sleep.py", BROKER="localhost", PORT=proxy.port, AWAKE=1, INTERVAL=600)

    def wake(value: int) -> str:
        """Run it once, with a value that it measures; give what it says."""
        board.write("analog/34", str(value))
        with board.start("deep_sleep.py", HEAP_KB) as run:
            assert run.event("deepsleep") == {"ms": 600_000}
        return "\n".join(run.output)

    def arrived(count: int) -> list[int]:
        """The next values at the broker."""
        messages = [observer.next(TOPIC) for _ in range(count)]
        assert all(message.qos == 1 for message in messages)
        return [int(message.payload.split()[1]) for message in messages]

    wake(100)
    assert arrived(1) == [100]

    board.write("no-wifi", "")
    wake(200)
    (board.folder / "no-wifi").unlink()
    proxy.block()
    assert "readings that wait: 2" in wake(300)
    proxy.unblock()
    wake(400)
    assert arrived(3) == [200, 300, 400]

    # The broker receives a reading, but its acknowledgement is lost: the board sends it again.
    proxy.drops_acknowledgements = True
    assert "readings that wait: 1" in wake(500)
    assert arrived(1) == [500]
    proxy.drops_acknowledgements = False
    wake(600)
    assert arrived(2) == [500, 600]


def test_a_long_time_alone(board: Board, make_proxy: Callable[..., Proxy], observe: Callable[[str], Observer]) -> None:
    proxy = make_proxy()
    observer = observe(TOPIC)
    board.copy("deep_sleep.py", BROKER="localhost", PORT=proxy.port)
    board.write("analog/34", "100")
    board.write("fill.py", FILL)
    with board.start("fill.py", HEAP_KB) as run:
        wait_for_line(run, "full")
    for _ in range(2):
        with board.start("deep_sleep.py", HEAP_KB) as run:
            run.event("deepsleep")
    values = [int(observer.next(TOPIC).payload.split()[1]) for _ in range(WAITING + 1)]
    assert values == [*range(WAITING), 100]  # the first time there was no room for a reading


def test_it_sleeps_whatever_goes_wrong(board: Board) -> None:
    board.copy("deep_sleep.py")  # there is no sensor
    with board.start("deep_sleep.py", HEAP_KB) as run:
        assert run.event("deepsleep") == {"ms": 600_000}
    assert any("ENOENT" in line for line in run.output)
