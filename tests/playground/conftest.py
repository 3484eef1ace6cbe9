"""The site on a web server, and a browser that shows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.docs.built import built_site
from tools import chromium
from tools.errors import Unsupported
from tools.testkit.web import served

LIMIT_MS = 60_000


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the site."""
    with served(built_site(tmp_path_factory)) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium. Not for longer: as long as it is there, asyncio cannot be used."""
    playwright = pytest.importorskip("playwright.sync_api", reason="PyPI has no playwright for this machine")
    try:
        program = chromium.chromium()
    except Unsupported as error:
        pytest.skip(str(error))
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=str(program), args=["--disable-gpu"], timeout=LIMIT_MS)
        yield running
        running.close()
