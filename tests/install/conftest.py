"""Fixtures: a broker to publish to, and a web server to install from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tools.testkit.certificates import Certificates
from tools.testkit.mosquitto import Listener, Mosquitto
from tools.testkit.observer import Observer
from tools.testkit.web import served


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Mosquitto]:
    """A mosquitto with a plain listener and one with TLS."""
    listeners = [Listener("plain"), Listener("tls", "server")]
    with Mosquitto(tmp_path_factory.mktemp("mosquitto"), certificates, listeners) as running:
        yield running


@pytest.fixture(scope="module")
def observer(broker: Mosquitto) -> Iterator[Observer]:
    """A client at the broker's side."""
    with Observer(hostname="127.0.0.1", port=broker.port("plain")) as client:
        client.subscribe("installed/#")
        yield client


@pytest.fixture
def serve() -> Iterator[Callable[[Path], str]]:
    """Serve a folder on 127.0.0.1, and give the address."""
    with ExitStack() as stack:
        yield lambda folder: stack.enter_context(served(folder))
