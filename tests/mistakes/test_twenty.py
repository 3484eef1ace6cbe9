"""The table of twenty mistakes: what is seen of each says what to do, with the sources and with a build."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.mistakes.table import LISTENERS, TABLE, TREES, Dated, Mistake, look
from tools.paths import REPO
from tools.testkit.mosquitto import Mosquitto

CASES = [(kind, tree) for kind, trees in TREES.items() for tree in trees]
NOT_AWAITED = """
import asyncio
from umqtt2.aio import MQTTClient

async def main():
    MQTTClient("id", "localhost").publish("t", "x")

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    folder = tmp_path_factory.mktemp("mosquitto")
    with Mosquitto(folder, Dated(folder), LISTENERS) as running:
        yield running


@pytest.fixture(scope="module")
def seen(trees: Callable[[str], Path], broker: Mosquitto) -> Callable[[str, str], dict[str, str]]:
    """Return what is seen of the mistakes of a kind, with a tree of the package."""
    known: dict[tuple[str, str], dict[str, str]] = {}

    def get(kind: str, tree: str) -> dict[str, str]:
        if (kind, tree) not in known:
            known[kind, tree] = look(kind, trees(tree), broker)
        return known[kind, tree]

    return get


@pytest.mark.parametrize(
    ("kind", "tree", "mistake"),
    [pytest.param(kind, tree, one, id=f"{tree}-{one.what}") for kind, tree in CASES for one in TABLE[kind]],
)
def test_what_is_seen_of_a_mistake(
    seen: Callable[[str, str], dict[str, str]], kind: str, tree: str, mistake: Mistake
) -> None:
    words = mistake.words if tree == "source" or mistake.build is None else mistake.build
    said = seen(kind, tree)[mistake.what]
    assert words in said
    assert words or not said


def test_cpython_says_what_was_not_awaited() -> None:
    done = subprocess.run([sys.executable, "-c", NOT_AWAITED], cwd=REPO, capture_output=True, text=True)
    assert "RuntimeWarning: coroutine 'MQTTClient.publish' was never awaited" in done.stderr
