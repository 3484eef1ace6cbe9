"""A FileSession on MicroPython's own file systems, and in a process that is killed."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any, Callable

import pytest

from tests.device.conftest import MAIN
from tests.device.machine import Vm
from tools.testkit.vm import Run
from tools.testkit.vm import start as start_vm

KINDS = ["littlefs", "FAT"]
KILLS = 10
HEAP = 76  # KB on 32 bits: the source tree, and a file system on top
ESTORE, ENOSPC = 51, 28


@pytest.fixture
def vm(machine: Callable[..., Vm]) -> Vm:
    """The 32-bit VM, with a board's heap."""
    return machine(MAIN)


def start(vm: Vm, part: str, path: Path, **config: object) -> Run:
    """Start a part of the program."""
    line = f"import file_session; file_session.main({part!r}, {str(path)!r}, **{config!r})"
    return start_vm(vm.path, vm.folder, HEAP, "-c", line)


def said(vm: Vm, part: str, path: Path, **config: object) -> dict[str, Any]:
    """Run a part of the program, and give what it says."""
    with start(vm, part, path, **config) as run:
        facts = run.event(part, 100)
        run.done()
    return facts


@pytest.mark.parametrize("kind", KINDS)
def test_power_fails_at_every_write_to_the_flash(vm: Vm, tmp_path: Path, kind: str) -> None:
    assert said(vm, "power", tmp_path / "flash", kind=kind)["cuts"] > 50


@pytest.mark.parametrize("kind", KINDS)
def test_full_file_system(vm: Vm, tmp_path: Path, kind: str) -> None:
    numbers = said(vm, "full", tmp_path / "flash", kind=kind)["numbers"]
    assert numbers == [[ESTORE, ENOSPC], 0, 0, 1]


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_message_costs_on_the_flash(vm: Vm, tmp_path: Path, kind: str) -> None:
    facts = said(vm, "cost", tmp_path / "flash", kind=kind)
    # Blocks are of 512 bytes. FAT erases nothing itself.
    assert facts["written"] <= {"littlefs": 800, "FAT": 2300}[kind]
    assert facts["erased"] < 2.5


def test_heap_for_a_message_that_waits(vm: Vm, tmp_path: Path) -> None:
    assert said(vm, "heap", tmp_path / "s")["bytes"] <= 56 * vm.words


def test_killed_at_any_moment(vm: Vm, tmp_path: Path) -> None:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    chance = random.Random(seed)
    accepted: dict[int, bool] = {}  # those that must be there
    unsure: set[int] = set()  # those that may be
    first = 0
    for _ in range(KILLS):
        with start(vm, "killed", tmp_path / "s", number=first) as run:
            facts = run.event("kept")
            time.sleep(chance.random() * 0.2)
            run.kill()
            time.sleep(0.1)
        kept = facts["numbers"]
        assert facts["lost"] == 0
        assert set(accepted) <= set(kept) <= set(accepted) | unsure
        assert kept == sorted(kept)
        accepted = dict.fromkeys(kept, True)
        unsure = set()
        for line in run.output:
            sign, _, number = line.partition(" ")
            if sign == "+" and number:
                unsure.add(int(number))
                first = int(number) + 1
            elif sign == "=" and number:
                unsure.discard(int(number))
                accepted[int(number)] = True
            elif sign == "-" and number:
                accepted.pop(int(number))
                unsure.add(int(number))
    assert first > 50
