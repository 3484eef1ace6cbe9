"""No call of our build takes more instructions than instruction-budget.ini allows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import fetch
from tools.errors import ToolError, Unsupported
from tools.measure import instructions
from tools.measure.budget import INSTRUCTIONS, instructions_on
from tools.measure.loops import prepare, running
from tools.testkit.broker import Broker

HELP = "Make it faster, or say in the commit why not: `python -m tools.measure instructions umqtt2 --write-budget`."
TIMES = 3  # a count that is too high is repeated: what a client does by the clock depends on how fast it is


@pytest.fixture(scope="module")
def valgrind() -> None:
    """The program that counts; skipped where it cannot run."""
    try:
        fetch.valgrind()
    except Unsupported as error:
        pytest.skip(str(error))
    except ToolError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="module")
def broker(valgrind: None) -> Iterator[Broker]:
    """A broker that is not the bottleneck."""
    with running() as found:
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the VM imports."""
    return prepare("umqtt2", tmp_path_factory.mktemp("instructions"))


def test_every_measure_has_a_budget() -> None:
    assert list(INSTRUCTIONS.read()[instructions.PROFILE]) == list(instructions.MEASURES)


@pytest.mark.parametrize("name", instructions.MEASURES)
def test_budget(name: str, folder: Path, broker: Broker) -> None:
    version = instructions_on()
    if version != INSTRUCTIONS.vm():
        pytest.skip(f"the budget is that of {INSTRUCTIONS.vm()}, this is {version}")
    too_much: list[str] = []
    for _ in range(TIMES):
        too_much = INSTRUCTIONS.exceeded(
            instructions.PROFILE, {name: instructions.thousands(folder, broker, "umqtt2", name)}
        )
        if not too_much:
            return
    pytest.fail(f"{too_much[0]}\n{HELP}", pytrace=False)


def test_a_loop_costs_what_it_executes(valgrind: None, folder: Path) -> None:
    def counted(n: int) -> int:
        line = f"print('ready'); input(); x = [0] * 8\nfor i in range({n}): x[i & 7] = i"
        return instructions.count(folder, line, lambda: None)

    few, more, many = counted(1000), counted(2000), counted(4000)
    assert 100 < (more - few) / 1000 < 3000
    assert (many - more) / (more - few) == pytest.approx(2, rel=0.01)


def test_a_program_that_fails_is_told(valgrind: None, folder: Path) -> None:
    with pytest.raises(ToolError, match="ZeroDivisionError"):
        instructions.count(folder, "print('ready'); input(); 1 / 0", lambda: None)
    with pytest.raises(ToolError, match="ImportError"):
        instructions.count(folder, "import there_is_no_such_module", lambda: None)
