"""A figure that stands in several pages is the same in each, and as its source has it."""

from __future__ import annotations

import re
import shutil
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest

import tests.docs.board
import tests.examples.board
from tools.demo.run import HEAP_KB
from tools.device import PROFILES
from tools.measure import published
from tools.measure.__main__ import MEASUREMENTS
from tools.measure.budget import BYTES
from tools.measure.sizes import LIMITED
from tools.micropython import OLDEST
from tools.paths import REPO
from umqtt2 import __version__

SIZES: Any = published.read("sizes")["clients"]
SIMPLE, AIO, AIO_OF_FULL = SIZES["simple"], SIZES["aio"], SIZES["aio, of full"]
HELP = "`python -m tools.measure sizes --write-budget` measures all, and writes the tables of both pages"

# Where a size stands in words, in KB, and what it is of.
IN_WORDS = [
    ("README.md", r"with (\d+) KB of its flash for umqtt2", SIMPLE["mpy_bytes"]),
    ("docs/index.md", r"`simple` is about (\d+) KB of flash", SIMPLE["mpy_bytes"]),
    ("docs/index.md", r"included, and (\d+) KB of heap", SIMPLE["import_heap"]),
    ("docs/tls.md", r"takes (\d+) KB of heap more", SIMPLE["tls_import_heap"] - SIMPLE["import_heap"]),
    ("docs/tls.md", r"runs over TLS in (\d+) KB", SIMPLE["tls_heap"]),
    ("docs/asyncio.md", r"takes (\d+) KB of the heap from the build `aio`", AIO["import_heap"]),
    ("docs/asyncio.md", r"(\d+) KB from the build `full`", AIO_OF_FULL["import_heap"]),
    ("docs/asyncio.md", r"runs in (\d+) KB with the build `aio`", AIO["plain_heap"]),
    ("docs/asyncio.md", r"over TLS in (\d+) KB", AIO["tls_heap"]),
    ("docs/reliability.md", r"(\d+) KB of heap for the import, the client", SIZES["robust, of full"]["import_heap"]),
    ("CHANGELOG.md", r"alone: (\d+) KB of heap for the import", AIO["import_heap"]),
]


def read(page: str) -> str:
    return (REPO / page).read_text(encoding="utf-8")


def test_the_sizes_are_the_budgets_figures() -> None:
    limits = BYTES.read()
    for profile in PROFILES:
        assert {name: value for name in LIMITED if (value := SIZES[profile][name])} == limits[profile], HELP


def test_pages_and_pictures_are_those_of_the_figures(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="of the bench extra, which `make bench` installs")
    for name, module in ((name, module) for name, module in MEASUREMENTS.items() if hasattr(module, "PAGES")):
        for page in module.PAGES:
            shutil.copy(REPO / "docs" / page, tmp_path)
        published.write(module, published.read(name), tmp_path)
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        inside = path.relative_to(tmp_path)
        same = path.read_bytes() == (REPO / "docs" / inside).read_bytes()
        assert same, f"{inside}: not made since the figures have changed; run `python -m tools.measure pages`"
        if path.suffix == ".svg":
            picture = path.read_text(encoding="utf-8")
            assert "prefers-color-scheme:dark" in picture and "<text" in picture  # scales, in the page's colours


@pytest.mark.parametrize(("page", "pattern", "value"), IN_WORDS)
def test_sizes_in_words(page: str, pattern: str, value: int) -> None:
    said = re.findall(pattern, read(page))
    assert said, pattern
    for number in said:
        # A KB is 1,000 bytes of a file, 1,024 of a heap; half a one is not worth a commit.
        assert value / 1024 - 0.7 <= int(number) <= value / 1000 + 0.7, f"it is {value:,} bytes: write another number"


@pytest.mark.parametrize("page", ["docs/session-stores.md", "docs/transports.md"])
def test_what_is_in_which_profile(page: str) -> None:
    rows = re.findall(r"^\| `(?:umqtt2\.)?([a-z]+\.[a-z_0-9]+)[^|]*\|.*\| ([^|]+) \|$", read(page), re.MULTILINE)
    assert len(rows) >= 4
    for module, said in rows:
        profiles = {name for name, files in PROFILES.items() if any(module in parts for parts in files.values())}
        assert profiles == (set(PROFILES) if said == "all" else set(re.findall(r"`(\w+)`", said))), module


def test_the_heap_of_the_demo() -> None:
    for page in ("README.md", "docs/first-program.md", "docs/index.md"):
        assert f"a {HEAP_KB} KB heap" in read(page) or f"heap of {HEAP_KB} KB" in read(page)
    assert f"`make demo` in {HEAP_KB} KB" in read("docs/tls.md")
    assert HEAP_KB == tests.docs.board.HEAP_KB == tests.examples.board.HEAP_KB


def test_versions() -> None:
    oldest = ".".join(map(str, OLDEST))
    setup = ConfigParser()
    setup.read(REPO / "setup.cfg")
    python = setup["options"]["python_requires"].removeprefix(">=")
    for path in [REPO / "README.md", *sorted((REPO / "docs").glob("*.md"))]:
        text = path.read_text(encoding="utf-8")
        for version in re.findall(r"MicroPython (1\.\d+)\s+or\s+later with|MicroPython (1\.\d+) to 1", text):
            assert oldest in version, path.name
        for version in re.findall(r"Python (3\.\d+) or\s+later", text):
            assert version == python, path.name
        for version in re.findall(r"umqtt2-(\d\.\d+\.\d+)", text):
            assert version == __version__, path.name
