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
ARGUMENTS = """
from umqtt2 import MQTTClient
c = MQTTClient("id", "localhost")
c.set_callback(print)
for call, *args in (c.publish, "t", 5), (c.publish, "#", "x"), (c.publish, "t", "x", 0, "1"), (c.subscribe, "a/#/b"):
    try:
        call(*args)
    except (ValueError, TypeError) as e:
        print("%s: %s" % (type(e).__name__, e))
"""
TWICE = """
import gc
from umqtt2 import MQTTException
e = MQTTException(28)
before = [0, 0]
for i in range(2):
    gc.collect()
    before[i] = gc.mem_alloc()
    repr(e)
    gc.collect()
    before[i] = gc.mem_alloc() - before[i]
print(before[0], before[1])
"""
VMS = {"vm32": fetch.vm32, "vm64": fetch.vm64, "vm-newest": fetch.vm_newest}


# The sources and the builds; core has no words.
TREES = ("source", "simple", "simple5", "full")


@pytest.mark.parametrize("vm, tree", [("vm32", tree) for tree in TREES] + [("vm64", "full"), ("vm-newest", "source")])
def test_an_exception_that_nobody_catches_says_what_to_do(vm: str, tree: str, trees: Callable[[str], Path]) -> None:
    last = run(trees(tree), UNCAUGHT, VMS[vm]()).splitlines()[-1]
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


BY_NUMBER = {"source": "MQTTException: 28", "core": "MQTTException: 28", "full": "(<class 'MQTTException'>, (28,))"}


@pytest.mark.parametrize("tree, number", BY_NUMBER.items())
def test_without_the_words_there_is_the_number(
    tree: str, number: str, trees: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = tmp_path / "lib"
    shutil.copytree(trees(tree), folder)
    (folder / "umqtt2" / "texts.mpy").unlink(missing_ok=True)
    assert run(folder, UNCAUGHT).splitlines()[-1] == number
    kinds = run(folder, ARGUMENTS).splitlines()
    assert [line.split(":")[0] for line in kinds] == ["TypeError", "ValueError", "ValueError", "ValueError"]
    if tree != "source":
        assert kinds == ["TypeError: msg", "ValueError: topic", "ValueError: qos", "ValueError: topic"]


@pytest.mark.parametrize("tree, heap_kb", [("source", 64), ("full", 40), ("simple", 40)])
def test_without_memory_there_is_the_number(tree: str, heap_kb: int, trees: Callable[[str], Path]) -> None:
    assert "28" in run(trees(tree), NO_MEMORY, heap_kb=heap_kb).splitlines()[-1]


@pytest.mark.parametrize("tree", ["simple", "simple5", "full"])
def test_a_build_has_the_words_of_the_sources(tree: str, trees: Callable[[str], Path]) -> None:
    highest = {"full": 2}.get(tree, 1)
    assert run(trees(tree), ARGUMENTS) == run(trees("source"), ARGUMENTS).replace("0 to 2", f"0 to {highest}")


def test_the_words_do_not_stay_in_memory(trees: Callable[[str], Path]) -> None:
    first, second = map(int, run(trees("full"), TWICE).split())
    assert first < 1024 and second == 0


def test_every_number_has_its_name_in_front_of_the_words() -> None:
    names = {value: name for name, value in vars(errno).items() if name.startswith("E")}
    assert {number: text.partition(":")[0].partition(",")[0] for number, text in texts.ERRORS.items()} == names
