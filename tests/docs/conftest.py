"""Fixtures: a broker, a client at its side, and who follows the pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.board import Board
from tests.docs.laptop import Laptop
from tools.testkit.certificates import Certificates
from tools.testkit.mosquitto import Listener, Mosquitto
from tools.testkit.observer import Observer


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Mosquitto]:
    """A mosquitto for the programs of one file."""
    with Mosquitto(tmp_path_factory.mktemp("mosquitto"), certificates, [Listener("plain")]) as running:
        yield running


@pytest.fixture
def observer(broker: Mosquitto) -> Iterator[Observer]:
    """A client at the broker's side, which gets everything."""
    with Observer(hostname="127.0.0.1", port=broker.port("plain")) as client:
        client.subscribe("#")
        yield client


@pytest.fixture
def laptop(tmp_path: Path, broker: Mosquitto) -> Iterator[Laptop]:
    """A checkout, and an empty board."""
    board = Board(tmp_path / "board")
    folder = tmp_path / "checkout"
    folder.mkdir()
    yield Laptop(folder, board, f'"localhost", {broker.port("plain")}')
    board.close()
