"""A real mosquitto on 127.0.0.1, set up to be no bottleneck."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tools import provide
from tools.missing import Missing
from tools.ports import free_port

HOST = "127.0.0.1"
SECONDS = 10

# No delay: else a broker's acknowledgement can wait for the client's, which is the system's time and not
# the client's. No limit to what is queued: else messages for a receiver that cannot keep up are dropped.
CONFIG = """\
listener {port} 127.0.0.1
allow_anonymous true
set_tcp_nodelay true
max_queued_messages 0
max_inflight_messages 0
persistence false
log_dest stderr
log_type error
log_type warning
log_type information
connection_messages false
"""


class Broker(NamedTuple):
    """A broker that runs."""

    port: int
    version: str
    pid: int


@contextmanager
def running() -> Iterator[Broker]:
    """Run a broker for the time of the block."""
    program = provide.mosquitto()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "mosquitto.conf"
        for _ in range(3):  # another program may take a port that was free a moment ago
            port = free_port()
            # When root starts it, it would become a user who may not read its configuration.
            config.write_text(CONFIG.format(port=port) + ("user root\n" if os.geteuid() == 0 else ""))
            process = subprocess.Popen(
                [str(program), "-c", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:
                if _answers(port, process):
                    yield Broker(port, _version(program), process.pid)
                    return
            finally:
                process.terminate()
                process.wait()
    raise Missing("bench: mosquitto does not start")


def _answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    """Wait until the broker listens (True) or has ended (False)."""
    end = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection((HOST, port), 1).close()
            return True
        except OSError:
            time.sleep(0.02)
    return False


def _version(program: Path) -> str:
    done = subprocess.run([str(program), "-h"], capture_output=True, text=True, check=False)
    match = re.search(r"mosquitto version (\S+)", done.stdout + done.stderr)
    return match[1] if match else "unknown"
