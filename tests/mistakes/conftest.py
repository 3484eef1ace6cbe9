"""A board's folder with the sources or a build, and a VM that runs programs there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tools import fetch
from tools.testkit.tree import lay_out
from tools.testkit.vm import run as run_vm

Run = Callable[..., str]


@pytest.fixture(scope="session")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the folder with a tree of the package: "source" or a profile."""
    made: dict[str, Path] = {}

    def get(tree: str) -> Path:
        if tree not in made:
            made[tree] = tmp_path_factory.mktemp(tree)
            lay_out(tree, made[tree])
        return made[tree]

    return get


def run(folder: Path, program: str, vm: Path | None = None, heap_kb: int = 256) -> str:
    """Run a program on MicroPython and return what it prints, the traceback too."""
    return run_vm(vm or fetch.vm32(), folder, heap_kb, "-c", program).stdout
