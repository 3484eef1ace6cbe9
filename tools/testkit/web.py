"""A folder on a web server of this machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.testkit.process import Process


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on a free port of 127.0.0.1 for the time of the block, and give its address."""
    server = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(folder)]
    with Process(server) as running:
        line = running.prints("Serving HTTP on 127.0.0.1 port ")
        yield f"http://127.0.0.1:{line.split()[5]}"
