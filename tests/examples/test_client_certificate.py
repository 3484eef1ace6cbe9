"""The board with a certificate of its own: let in with it, and not with another's."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.examples.board import Board, wait_for_line
from tools.testkit.certificates import Certificates
from tools.testkit.mosquitto import Mosquitto
from tools.testkit.observer import Observer

TOPIC = "boards/board-1/uptime"
HEAP_KB = 40  # robust, TLS, and a key


@pytest.fixture
def ready(board: Board, broker: Mosquitto, certificates: Certificates) -> Board:
    """A board with the example and its three files."""
    port = broker.port("client-certificate")
    board.copy("client_certificate.py", BROKER="localhost", PORT=port, INTERVAL=1)
    for name in ("ca", "client", "client-key"):
        shutil.copy(certificates.der(name), board.folder)
    return board


def test_client_certificate(ready: Board, observe: Callable[[str], Observer]) -> None:
    observer = observe(TOPIC)
    with ready.start("client_certificate.py", HEAP_KB) as run:
        assert observer.next(TOPIC) == (b"0", 1, False)
        assert observer.next(TOPIC) == (b"1", 1, False)
    assert run.output == ["connected"]


@pytest.mark.parametrize("files", [("client", "client-key"), ("ca",)], ids=["client", "broker"])
def test_no_other_authority_will_do(
    ready: Board, tmp_path: Path, observe: Callable[[str], Observer], files: tuple[str, ...]
) -> None:
    observer = observe(TOPIC)
    (tmp_path / "other").mkdir()
    other = Certificates(tmp_path / "other")
    for name in files:
        shutil.copy(other.der(name), ready.folder)
    with ready.start("client_certificate.py", HEAP_KB) as run:
        assert "OSError" in wait_for_line(run, "not connected")
    assert "connected" not in run.output
    assert observer.rest(TOPIC) == []
