"""The mosquitto that the echo program talks to: a plain listener, and one with TLS."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tools.sizes.echo import Laptop
from tools.testkit.certificates import Certificates
from tools.testkit.mosquitto import Listener, Mosquitto


class Endpoints(NamedTuple):
    """How to reach the broker; `ca` is the file of its CA, and `laptop` is connected to it."""

    plain: int
    tls: int
    ca: str
    laptop: Laptop


@contextmanager
def running() -> Iterator[Endpoints]:
    """Run a broker, and a laptop that sends messages."""
    listeners = [Listener("plain"), Listener("tls", "server")]
    with tempfile.TemporaryDirectory() as folder:
        certificates = Certificates(Path(folder))
        with Mosquitto(Path(folder), certificates, listeners) as mosquitto:
            laptop = Laptop(mosquitto.port("plain"))
            try:
                yield Endpoints(mosquitto.port("plain"), mosquitto.port("tls"), certificates.der("ca"), laptop)
            finally:
                laptop.close()
