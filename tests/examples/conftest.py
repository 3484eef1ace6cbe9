"""Fixtures: a board with the build `full`, a broker, a proxy between them, and an observer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.examples.board import Board, make_lib
from tools.testkit.certificates import Certificates
from tools.testkit.mosquitto import Listener, Mosquitto
from tools.testkit.observer import Observer
from tools.testkit.proxy import Proxy

LISTENERS = [
    Listener("plain"),
    Listener("tls", "server"),
    Listener("client-certificate", "server", client_certificate=True),
]


@pytest.fixture(scope="session")
def lib(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lib folder of all boards."""
    folder = tmp_path_factory.mktemp("lib")
    make_lib(folder)
    return folder


@pytest.fixture
def board(tmp_path: Path, lib: Path) -> Board:
    """A board of the test's own."""
    folder = tmp_path / "board"
    folder.mkdir()
    return Board(folder, lib)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Mosquitto]:
    """A mosquitto for the examples of one file."""
    with Mosquitto(tmp_path_factory.mktemp("mosquitto"), certificates, LISTENERS) as running:
        yield running


@pytest.fixture
def make_proxy(broker: Mosquitto) -> Iterator[Callable[..., Proxy]]:
    """Return a proxy of a listener of the broker."""
    with ExitStack() as stack:
        yield lambda listener="plain": stack.enter_context(Proxy(broker.port(listener)))


@pytest.fixture
def observe(broker: Mosquitto) -> Iterator[Callable[[str], Observer]]:
    """Return a new observer that has subscribed to a topic filter."""
    with ExitStack() as stack:

        def start(topic: str) -> Observer:
            observer = stack.enter_context(Observer(hostname="127.0.0.1", port=broker.port("plain")))
            observer.subscribe(topic)
            return observer

        yield start
