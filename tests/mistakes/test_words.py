"""Exceptions are printed in words, where the words are there and there is memory for them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.mistakes.conftest import run
from tools import fetch
from tools.paths import REPO
from umqtt2 import errno, texts

NOT_CONNECTED = "28 ECONNOT: not connected; connect() first"
UNCAUGHT = """
from umqtt2 import MQTTClient
MQTTClient("id", "localhost").publish("t", "x")
"""
PRINTED = """
from umqtt2 import MQTTException
for args in ((28,), (51, 28), (52, 0x95), (99,), ("text",), ()):
    e = MQTTException(*args)
    print(e.args == args, e, repr(e), sep="|")
"""
NO_MEMORY = """
from umqtt2 import MQTTException
e = MQTTException(28)
hold = None
try:
    while True:
        hold = [hold]
except MemoryError:
    pass
raise e
"""
VMS = {"vm32": fetch.vm32, "vm64": fetch.vm64, "vm-newest": fetch.vm_newest}


@pytest.mark.parametrize("vm", VMS)
def test_an_exception_that_nobody_catches_says_what_to_do(vm: str, trees: Callable[[str], Path]) -> None:
    last = run(trees("source"), UNCAUGHT, VMS[vm]()).splitlines()[-1]
    assert last == f"MQTTException: {NOT_CONNECTED}"


def test_the_same_on_cpython() -> None:
    done = subprocess.run([sys.executable, "-c", UNCAUGHT], cwd=REPO, capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == f"umqtt2.errno.MQTTException: {NOT_CONNECTED}"


def test_what_else_an_exception_has_is_printed_too(trees: Callable[[str], Path]) -> None:
    lines = [line.split("|") for line in run(trees("source"), PRINTED).splitlines()]
    assert {line[0] for line in lines} == {"True"}
    assert all(line[2] == f"MQTTException: {line[1]}" for line in lines)
    shown = [line[1] for line in lines]
    assert shown[0] == NOT_CONNECTED
    assert shown[1].startswith("51 ESTORE: ") and shown[1].endswith(" (28)")
    assert shown[2].startswith("52 ELIMIT: ") and shown[2].endswith(" (0x95)")
    assert shown[3:] == ["99", "text", ""]


def test_without_the_words_there_is_the_number(trees: Callable[[str], Path], tmp_path: Path) -> None:
    folder = tmp_path / "lib"
    shutil.copytree(trees("source"), folder)
    (folder / "umqtt2" / "texts.mpy").unlink()
    assert run(folder, UNCAUGHT).splitlines()[-1] == "MQTTException: 28"


def test_without_memory_there_is_the_number(trees: Callable[[str], Path]) -> None:
    last = run(trees("source"), NO_MEMORY, heap_kb=64).splitlines()[-1]
    assert last in ("MQTTException: 28", "(28,)")


def test_every_number_has_its_name_in_front_of_the_words() -> None:
    names = {value: name for name, value in vars(errno).items() if name.startswith("E")}
    assert {number: text.partition(":")[0] for number, text in texts.ERRORS.items()} == names
