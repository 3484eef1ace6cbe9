"""Updates over the air: a file is there as it was sent, or the old one is."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from hashlib import sha256

import pytest

from tests.examples.board import Board
from tools.testkit.certificates import Certificates
from tools.testkit.mosquitto import Mosquitto
from tools.testkit.observer import Observer
from tools.testkit.proxy import Proxy

UPDATED = "boards/board-1/updated"
FILE = random.Random(1).randbytes(60_000)  # more than the heap
OLD = "print('old')"
HEAP_KB = 52  # robust, TLS, pieces, SHA-256


def topic(data: bytes, name: str = "main.py") -> str:
    """Where a file with this content is sent."""
    return f"boards/board-1/update/{name}/{sha256(data).hexdigest()}"


@pytest.fixture
def proxy(board: Board, make_proxy: Callable[..., Proxy], certificates: Certificates) -> Proxy:
    """The proxy of a board with the example and a file to be updated."""
    proxy = make_proxy("tls")
    board.copy("ota.py", BROKER="localhost", PORT=proxy.port, FOLDER="flash/")
    shutil.copy(certificates.der("ca"), board.folder)
    (board.folder / "flash/www").mkdir(parents=True)
    board.write("flash/main.py", OLD)
    return proxy


def test_update(
    board: Board, proxy: Proxy, broker: Mosquitto, observe: Callable[[str], Observer]
) -> None:
    observer = observe(UPDATED)
    with board.start("ota.py", HEAP_KB) as run:
        assert broker.wait_for("boards/board-1/update/.* .QoS 1.")  # the board has subscribed
        observer.publish(topic(b"another"), FILE, qos=1)
        assert observer.next(UPDATED).payload == b"main.py failed: not what its SHA-256 says"
        observer.publish(topic(b"a page", "www"), b"a page", qos=1)
        assert observer.next(UPDATED).payload.startswith(b"www failed: OSError")
        assert (board.folder / "flash/main.py").read_text() == OLD

        proxy.cut_after(len(FILE) // 2)
        observer.publish(topic(FILE), FILE, qos=1)
        assert observer.next(UPDATED).payload == b"main.py installed"
        run.event("reset")
    assert (board.folder / "flash/main.py").read_bytes() == FILE
    assert sorted(path.name for path in (board.folder / "flash").iterdir()) == ["main.py", "www"]
