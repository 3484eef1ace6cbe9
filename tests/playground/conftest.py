"""The site on a web server, and a browser that shows it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.docs.built import built_site
from tools import chromium
from tools.fetch import Unsupported

LIMIT_MS = 60_000


class Quiet(SimpleHTTPRequestHandler):
    """What `python -m http.server` has, without its log."""

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the site."""
    handler = partial(Quiet, directory=str(built_site(tmp_path_factory)))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium. Not for longer: as long as it is there, asyncio cannot be used."""
    playwright = pytest.importorskip("playwright.sync_api", reason="PyPI has no playwright for this machine")
    try:
        program = chromium.chromium()
    except Unsupported as error:
        pytest.skip(str(error))
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(
            executable_path=str(program), args=list(chromium.OPTIONS), timeout=LIMIT_MS
        )
        yield running
        running.close()
