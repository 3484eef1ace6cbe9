"""Fixtures: a broker, the machine that the programs run on, and a table of what each broker does.

`make brokers` runs them: `--brokers` says which brokers. `make test` runs MQTT 3.1.1 with the two small ones.
"""

from __future__ import annotations

import itertools
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.brokers import page
from tests.brokers.brokers311 import BROKERS, KEEPS, SMALL
from tests.brokers.kinds import KINDS, Kind
from tests.brokers.machines import Cpython, Vm
from tools.errors import ToolError, Unsupported
from tools.tables import markdown
from tools.testkit.broker import HOST, Broker
from tools.testkit.certificates import Certificates
from tools.testkit.vm import Run

ALL = list(dict.fromkeys([*KINDS, *BROKERS]))
MACHINES = {"cpython": lambda folder: Cpython(), "vm32": Vm}
CLIENTS = {"memory": "robust, MemorySession", "file": "robust, FileSession", "asyncio": "asyncio, MemorySession"}
PAHO = "paho-mqtt"
CELL = "umqtt2-broker"  # the property of a test's report: scenario, broker, machine
SAID = "umqtt2-said"  # what the broker did, for the table
NUMBERS = itertools.count(1)
TABLE: page.Cells = {}  # MQTT 3.1.1: scenario, broker, what it does on each machine
MANY: page.Cells = {}  # many messages: client, broker, what has become of them


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--brokers", metavar="NAMES", help=f"which, with commas: all, or of {', '.join(ALL)}")


def pytest_configure(config: pytest.Config) -> None:
    # SIGTERM ends the brokers and the programs too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if not config.getoption("--brokers", None) and collection_path.name == "test_version5.py":
        return True
    return None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each scenario all brokers and machines, those of a broker together."""
    asked = metafunc.config.getoption("--brokers", None)
    if "kind" in metafunc.fixturenames:
        everything = list(itertools.product(BROKERS, MACHINES, CLIENTS))
        chosen = [name for name in BROKERS if asked in (None, "all") or name in asked.split(",")]
        cases = [case for case in everything if case[0] in chosen and (asked or is_short(*case))]
        metafunc.parametrize("broker_name, machine_name, kind", cases, scope="session")
    elif "broker_name" in metafunc.fixturenames:
        names = list(SMALL) if not asked else list(BROKERS) if asked == "all" else asked.split(",")
        metafunc.parametrize("broker_name", [name for name in names if name in BROKERS], scope="session")
    if "side" not in metafunc.fixturenames:
        return
    wanted = metafunc.config.getoption("--brokers", None) or "all"
    names = list(KINDS) if wanted == "all" else wanted.split(",")
    unknown = set(names) - set(ALL)
    if unknown:
        raise pytest.UsageError(f"--brokers: no {', '.join(sorted(unknown))}")
    metafunc.parametrize("kind_name", [name for name in names if name in KINDS], scope="session")
    metafunc.parametrize("machine_name", MACHINES, scope="session")


def is_short(broker: str, machine: str, client: str) -> bool:
    """Whether a case of many messages is in `make test`."""
    return broker in KEEPS and (machine, client) in KEEPS[broker].clients


class Side:
    """One broker and one machine.

    kind    what is known of the broker
    prefix  of the topics; each test has its own
    """

    def __init__(self, broker: Broker, kind: Kind, machine: Any, prefix: str, said: Callable[[str], None]) -> None:
        self.broker = broker
        self.kind = kind
        self.prefix = prefix
        self.said = said
        self._machine = machine

    @property
    def qos(self) -> list[int]:
        """Those that the broker has."""
        return list(range(self.kind.qos + 1))

    def start(self, scenario: str, **config: object) -> Run:
        """Start a scenario of programs/version5.py."""
        client = {"server": HOST, "port": self.broker.port}
        known = {"prefix": self.prefix, "scenario": scenario, "client": client}
        run: Run = self._machine.start("version5", {**known, **config})
        return run

    def topic(self, name: str) -> str:
        """A topic below the prefix."""
        return f"{self.prefix}/{name}"


@pytest.fixture(scope="session")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Broker]]:
    """The broker of a kind, started when it is asked for; one at a time."""
    running: dict[str, Broker] = {}

    def end() -> None:
        for one in running.values():
            one.__exit__()
        running.clear()

    def get(name: str) -> Broker:
        if name not in running:
            end()
            try:
                running[name] = KINDS[name].make(tmp_path_factory.mktemp(name) / "broker").__enter__()
            except ToolError as error:
                pytest.fail(str(error), pytrace=False)
        return running[name]

    yield get
    end()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Those of the brokers."""
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def broker(broker_name: str, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A broker, for all tests that need this one."""
    try:
        with BROKERS[broker_name](tmp_path_factory.mktemp(broker_name) / "broker", certificates.pem) as running:
            yield running
    except Unsupported as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """The machine with a name."""
    made: dict[str, Any] = {}

    def get(name: str) -> Any:
        if name not in made:
            made[name] = MACHINES[name](tmp_path_factory.mktemp(name))
        return made[name]

    return get


@pytest.fixture
def side(
    request: pytest.FixtureRequest,
    kind_name: str,
    machine_name: str,
    brokers: Callable[[str], Broker],
    machines: Callable[[str], Any],
    record_property: Callable[[str, object], None],
) -> Side:
    """A broker and a machine."""
    record_property(CELL, (request.function.__name__[5:], kind_name, machine_name))
    return Side(
        brokers(kind_name),
        KINDS[kind_name],
        machines(machine_name),
        f"t/{next(NUMBERS)}",
        lambda text: record_property(SAID, text),
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
    """Print what each broker does; where nothing has failed, write it into the documentation."""
    tables = (
        ("MQTT 3.1.1", "scenario", TABLE),
        ("many messages", "client", cells_of_many()),
        ("MQTT 5", "scenario", cells_of_version5(terminalreporter)),
    )
    whole = terminalreporter.config.getoption("--brokers", None)
    for name, first, cells in tables:
        if cells:
            terminalreporter.section(f"{name}: what each broker does")
            terminalreporter.write_line(markdown(page.table(first, cells)))
            if whole and not exitstatus:
                page.update(name, first, cells)


def cells_of_many() -> page.Cells:
    """What has become of many messages."""
    names = [name for name in [*CLIENTS.values(), PAHO] if name in MANY]
    return {name: {broker: [page.summary(runs)] for broker, runs in MANY[name].items()} for name in names}


def cells_of_version5(terminalreporter: pytest.TerminalReporter) -> page.Cells:
    """What each broker does with MQTT 5: the same on all machines, unless it says so."""
    cells: page.Cells = {}
    for outcome in ("passed", "failed", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            properties = dict(getattr(report, "user_properties", []))
            if CELL not in properties or (outcome == "passed" and report.when != "call"):
                continue
            scenario, broker, machine = properties[CELL]
            text = properties.get(SAID, "yes") if outcome == "passed" else f"{outcome.upper()} on {machine}"
            said = cells.setdefault(scenario, {}).setdefault(broker, [])
            if text not in said:
                said.append(text)
    return cells
