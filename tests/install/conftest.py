"""Fixtures: a broker to publish to, and a web server to install from."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tools.testkit.certificates import Certificates
from tools.testkit.mosquitto import Listener, Mosquitto
from tools.testkit.observer import Observer


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """A mosquitto with a plain listener and one with TLS."""
    folder = tmp_path_factory.mktemp("mosquitto")
    with Mosquitto(folder, Certificates(folder), [Listener("plain"), Listener("tls", "server")]) as running:
        yield running


@pytest.fixture(scope="module")
def observer(broker: Mosquitto) -> Iterator[Observer]:
    """A client at the broker's side."""
    with Observer(hostname="127.0.0.1", port=broker.port("plain")) as client:
        client.subscribe("installed/#")
        yield client


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder, without a log."""

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[Callable[[Path], str]]:
    """Serve a folder on 127.0.0.1, and give the address."""
    servers = []

    def start(folder: Path) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
