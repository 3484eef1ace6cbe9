"""Fixtures: a broker, the machine that the programs run on, and the tables of what each broker does.

`make brokers` runs them: `--brokers` says which brokers. `make test` runs MQTT 3.1.1 with the small ones.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.brokers import page
from tests.brokers.kinds import KINDS_5, KINDS_311, NAMES, Kind5, broker_311
from tests.brokers.machines import MACHINES, Machine
from tests.brokers.remote import Remote
from tools.errors import ToolError, Unsupported
from tools.tables import markdown
from tools.testkit.broker import HOST, Broker
from tools.testkit.certificates import Certificates

CLIENTS = {"memory": "robust, MemorySession", "file": "robust, FileSession", "asyncio": "asyncio, MemorySession"}
PAHO = "paho-mqtt"
CELL = "umqtt2-does"  # the property of a test's report: table, row, broker and what it does
TABLES = {"MQTT 3.1.1": "scenario", "many messages": "client", "MQTT 5": "scenario"}  # and their first column
NUMBERS = itertools.count(1)
Tell = Callable[[str, str, str], list[str]]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--brokers", metavar="NAMES", help=f"which, with commas: all, or of {', '.join(NAMES)}")


def pytest_configure(config: pytest.Config) -> None:
    asked = config.getoption("--brokers", None)
    unknown = set(asked.split(",") if asked else ()) - {"all", *NAMES}
    if unknown:
        raise pytest.UsageError(f"--brokers: no {', '.join(sorted(unknown))}; there are all, {', '.join(NAMES)}")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if not config.getoption("--brokers", None) and collection_path.name == "test_version5.py":
        return True
    return None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test its brokers, machines and clients; the tests of a broker stay together in one process."""
    names = metafunc.fixturenames
    if "broker_name" not in names:
        return
    asked = metafunc.config.getoption("--brokers", None)
    many = "client_name" in names
    version = "5" if "side" in names else "3.1.1"
    kinds: list[str] = list(KINDS_5 if version == "5" else KINDS_311)
    if not asked:
        kinds = [name for name, kind in KINDS_311.items() if kind.clients and (many or name != "mosquitto")]
    elif asked != "all":
        kinds = [name for name in kinds if name in asked.split(",")]
    kinds.reverse()  # those that take longest come first
    cases: list[tuple[str, ...]] = list(itertools.product(kinds, [version], MACHINES, *([CLIENTS] if many else [])))
    if many and not asked:
        cases = [case for case in cases if case[2:] in KINDS_311[case[0]].clients]
    metafunc.parametrize(
        "broker_name, version, machine_name" + (", client_name" if many else ""),
        [pytest.param(*case, marks=pytest.mark.xdist_group(f"{case[0]}, {version}")) for case in cases],
        scope="session",
    )


class Side:
    """One broker of MQTT 5 and one machine.

    kind    what is known of the broker
    prefix  of the topics; each test has its own
    """

    def __init__(self, broker: Broker, kind: Kind5, machine: Machine, cell: list[str]) -> None:
        """cell: what a table is told."""
        self.broker = broker
        self._cell = cell
        self.kind = kind
        self.prefix = f"t/{next(NUMBERS)}"
        self._machine = machine

    def does(self, text: str) -> None:
        """Say what the broker does, in the place of "yes"."""
        self._cell[-1] = text

    @property
    def qos(self) -> list[int]:
        """Those that the broker has."""
        return list(range(self.kind.qos + 1))

    def client(self, **more: object) -> Remote:
        """A client that runs on the machine, not connected. more: see make() in programs/remote.py."""
        config = {"prefix": self.prefix, "client": {"server": HOST, "port": self.broker.port}}
        client = Remote(self._machine("remote", config))
        client.make(**more)
        return client

    def topic(self, name: str) -> str:
        """A topic below the prefix."""
        return f"{self.prefix}/{name}"


@pytest.fixture(scope="session")
def broker(
    broker_name: str, version: str, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Broker]:
    """A broker, for all tests that need this one. What cannot be fetched here is left out; one that does not start is a
    failure."""
    folder = tmp_path_factory.mktemp(broker_name) / "broker"
    try:
        if version == "5":
            made = KINDS_5[broker_name].make(folder)
        else:
            made = broker_311(broker_name, folder, certificates.pem)
        with made as running:
            yield running
    except Unsupported as error:
        pytest.skip(str(error))
    except ToolError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def machine(machine_name: str, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine."""
    return MACHINES[machine_name](tmp_path_factory.mktemp(machine_name))


@pytest.fixture
def side(request: pytest.FixtureRequest, broker_name: str, broker: Broker, machine: Machine, tell: Tell) -> Side:
    """A broker and a machine."""
    cell = tell("MQTT 5", request.function.__name__[5:], "yes")
    return Side(broker, KINDS_5[broker_name], machine, cell)


@pytest.fixture
def tell(record_property: Callable[[str, object], None], broker_name: str) -> Tell:
    """Put what the broker does into a table, in a row; where it does so on all machines, it is there once."""

    def tell(table: str, row: str, text: str) -> list[str]:
        cell = [table, row, broker_name, text]
        record_property(CELL, cell)
        return cell

    return tell


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
    """Print what each broker does; where nothing has failed, write it into the documentation."""
    told = [
        value if outcome == "passed" or value[0] != "MQTT 5" else [*value[:-1], "failed"]
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        for key, value in getattr(report, "user_properties", [])
        if key == CELL
    ]
    for name, first in TABLES.items():
        cells: page.Cells = {}
        for table, row, broker_name, text in told:
            if table == name:
                cells.setdefault(row, {}).setdefault(broker_name, []).append(text)
        if not cells:
            continue
        if name == "many messages":
            rows = [row for row in [*CLIENTS.values(), PAHO] if row in cells]
            cells = {row: {kind: [page.summary(runs)] for kind, runs in cells[row].items()} for row in rows}
        terminalreporter.section(f"{name}: what each broker does")
        terminalreporter.write_line(markdown(page.table(first, cells)))
        if terminalreporter.config.getoption("--brokers", None) and not exitstatus:
            page.update(name, first, cells)
