"""A mosquitto that is configured not to be the bottleneck."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tools import fetch
from tools.testkit.broker import HOST
from tools.testkit.mosquitto import PlainMosquitto

__all__ = ["HOST", "Broker", "running"]

# TCP_NODELAY: otherwise the broker's acknowledgement can wait for the client's TCP acknowledgement, and the
# figures would include that delay. No limit for queues: otherwise messages for a slow receiver are dropped.
SETTINGS = (
    "set_tcp_nodelay true",
    "max_queued_messages 0",
    "max_inflight_messages 0",
    "persistence false",
    "log_type error",
    "log_type warning",
    "log_type information",
    "connection_messages false",
)


class Broker(NamedTuple):
    """A running broker."""

    port: int
    version: str
    pid: int


@contextmanager
def running() -> Iterator[Broker]:
    """Run a broker for the time of the block."""
    with tempfile.TemporaryDirectory() as folder, PlainMosquitto(Path(folder), *SETTINGS) as mosquitto:
        yield Broker(mosquitto.port, _version(fetch.mosquitto()), mosquitto.pid)


def _version(program: Path) -> str:
    done = subprocess.run([str(program), "-h"], capture_output=True, text=True, check=False)
    match = re.search(r"mosquitto version (\S+)", done.stdout + done.stderr)
    return match[1] if match else "unknown"
