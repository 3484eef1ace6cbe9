"""docs/conformance.md and docs/conformance-5.md: what MQTT asks of a client, what umqtt2 does, and which tests show it.

`python -m tools.conformance [--check]` writes them, or says what is wrong. They are made of
tests/conformance/statements.ini and statements-5.ini, which describe their fields, and of the tests that say
`@pytest.mark.mqtt("MQTT-x.y.z-n")`, for MQTT 5 `@pytest.mark.mqtt5(...)`.
"""

from __future__ import annotations

import argparse
import contextlib
import io
from collections import defaultdict
from collections.abc import Iterator
from configparser import ConfigParser
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pytest

from tools import errors
from tools.errors import ToolError
from tools.paths import REPO

TESTS = REPO / "tests"
FULL = "full"
CHAPTERS = {
    "1": "Text",
    "2": "Packets",
    "3": "The packets one by one",
    "4": "Behaviour",
    "6": "WebSocket",
    "7": "Conformance",
}
HEAD = """\
# {version.title}

What MQTT {version.name} asks of a client, statement by statement, what umqtt2 does about it, and the tests that show
it. The numbers are those of appendix B of the standard ({version.standard}); the words are ours.

This page is made by `make conformance`, from `tests/conformance/{version.file.name}` and from the tests, which say
`@pytest.mark.{version.marker}("MQTT-x.y.z-n")`. `make test` fails when a statement has no test, when a test names one
that does not exist, or when this page is not what would be made now.

| | |
|---|---|
| statements of the standard | {total} |
| that bind servers alone, not listed here | {server} |
| that bind a client, {both} of them a server too | {client} |
| of these, shown by tests | {shown} |
| of these, about a part of MQTT that is not there | {absent} |
| tests that show them | {tests} |
"""
Tests = dict[str, list[str]]  # the names of the tests, by the number of the statement that they show


class Version(NamedTuple):
    """A version of MQTT.

    name      as in the text
    standard  publisher and date of the standard
    title     of the page
    marker    with which tests name its statements
    suffix    of the names of its files
    full      what comes before the list of what only the profile `full` has
    chapters  of the standard that have statements for a client
    """

    name: str
    standard: str
    title: str
    marker: str
    suffix: str
    full: str
    chapters: dict[str, str] = CHAPTERS

    @property
    def file(self) -> Path:
        """Its statements."""
        return TESTS / "conformance" / f"statements{self.suffix}.ini"

    @property
    def page(self) -> Path:
        """The document."""
        return REPO / "docs" / f"conformance{self.suffix}.md"


AGAIN = "do not know QoS 2 and keep no messages, so nothing is sent again:"
V311 = Version(
    "3.1.1", "OASIS, 29 October 2014", "Conformance", "mqtt", "", f"The profiles `core` and `simple` {AGAIN}"
)
V5 = Version(
    *("5.0", "OASIS, 7 March 2019", "Conformance: MQTT 5", "mqtt5", "-5", f"The smaller profiles {AGAIN}"),
    CHAPTERS | {"1": "Data"},
)


class Statement(NamedTuple):
    """A statement that binds a client; the file describes the fields."""

    number: str
    binds: str
    asks: str
    does: str = ""
    profile: str = ""
    differs: str = ""
    absent: str = ""

    @property
    def chapter(self) -> str:
        """The chapter of the standard that it is in."""
        return self.number[len("MQTT-") :].partition(".")[0]


class Statements(NamedTuple):
    """All statements."""

    client: dict[str, Statement]  # by number, in the order of the standard
    server: list[str]  # numbers of those that bind servers alone


def read(path: Path) -> Statements:
    """Read the file at `path`."""
    parser = ConfigParser(interpolation=None)
    parser.read_string(path.read_text(encoding="utf-8"))
    server = [f"MQTT-{section}-{n}" for section, value in parser["server"].items() for n in value.split()]
    parser.remove_section("server")
    words = {
        number: {name: " ".join(text.split()) for name, text in parser.items(number)} for number in parser.sections()
    }
    return Statements({number: Statement(number, **fields) for number, fields in words.items()}, server)


class Collector:
    """A pytest plugin that notes markers of all tests: by their names, the tests of each statement."""

    def __init__(self) -> None:
        self.found: dict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Called by pytest with the collected tests."""
        for item in session.items:
            if not item.get_closest_marker("xfail"):  # an expected failure does not show the statement
                name = f"{Path(item.path).relative_to(TESTS)}::{getattr(item, 'originalname', item.name)}"
                for marker in item.iter_markers():
                    for number in marker.args if marker.name in (V311.marker, V5.marker) else ():
                        self.found[marker.name][number].add(name)


def collect() -> dict[str, Tests]:
    """For each marker, the tests that have it. Runs none of them."""
    collector = Collector()
    with contextlib.redirect_stdout(io.StringIO()) as said:
        options = ["--collect-only", "-qq", "-p", "no:cacheprovider", str(TESTS)]
        if pytest.main(options, plugins=[collector]) != pytest.ExitCode.OK:
            raise ToolError(f"pytest cannot collect the tests:\n{said.getvalue()}")
    return {marker: {n: sorted(names) for n, names in tests.items()} for marker, tests in collector.found.items()}


def problems(statements: Statements, tests: Tests) -> Iterator[str]:
    """One line for each place where the statements and the tests do not agree."""
    for number, statement in statements.client.items():
        if statement.absent and number in tests:
            yield f"{number}: it is said to be absent, but {tests[number][0]} shows it"
        elif not statement.absent and number not in tests:
            yield f"{number}: no test shows it"
        elif number in tests and not statement.does:
            yield f"{number}: {tests[number][0]} shows it, but it is not said what umqtt2 does"
    for number in tests.keys() - statements.client.keys():
        why = "binds servers alone" if number in statements.server else "there is no such statement"
        yield f"{number}: {why}, but {tests[number][0]} names it"


def page(version: Version, statements: Statements, tests: Tests) -> str:
    """The whole page."""
    client = statements.client.values()
    parts = [
        HEAD.format(
            version=version,
            total=len(client) + len(statements.server),
            server=len(statements.server),
            both=sum(statement.binds == "both" for statement in client),
            client=len(client),
            shown=sum(number in tests for number in statements.client),
            absent=sum(bool(statement.absent) for statement in client),
            tests=len({name for number in statements.client for name in tests.get(number, [])}),
        )
    ]
    parts += _list("Where umqtt2 differs", {s.number: s.differs for s in client if s.differs})
    parts += _list("What is not there", {s.number: s.absent for s in client if s.absent})
    if full := [s.number for s in client if s.profile == FULL]:
        parts.append(f"## What only the profile `full` has\n\n{version.full}\n{', '.join(full)}.\n")
    for chapter, group in groupby(client, lambda statement: statement.chapter):
        rows = [_row(statement, tests.get(statement.number, [])) for statement in group]
        table = ["| statement | what it asks | what umqtt2 does | tests |", "|---|---|---|---|", *rows]
        parts.append("\n".join([f"## {chapter} {version.chapters[chapter]}\n", *table, ""]))
    return "\n".join(parts)


def _list(title: str, items: dict[str, str]) -> Iterator[str]:
    if items:
        yield "\n".join([f"## {title}\n", *(f"- **{number}**: {text}" for number, text in items.items()), ""])


def _row(statement: Statement, tests: list[str]) -> str:
    does = statement.absent or statement.does
    if statement.profile == FULL:
        does += " In `full` only."
    if statement.differs:
        does += " Differs, see above."
    return f"| {statement.number} | {statement.asks} | {does} | {'<br>'.join(f'`{name}`' for name in tests)} |"


def found(version: Version, tests: Tests, check: bool) -> Iterator[str]:
    """Write a document, or only check it; one line for each problem."""
    statements = read(version.file)
    yield from problems(statements, tests)
    text = page(version, statements, tests)
    name = version.page.relative_to(REPO)
    if not check:
        version.page.write_text(text, encoding="utf-8")
        print(f"{name}: {len(statements.client)} statements")
    elif not version.page.exists() or version.page.read_text(encoding="utf-8") != text:
        yield f"{name}: not what `make conformance` would make now"


def main() -> None:
    """Write or check the documents."""
    told = "Write docs/conformance.md and conformance-5.md from the tests' markers."
    parser = argparse.ArgumentParser("python -m tools.conformance", description=told)
    parser.add_argument("--check", action="store_true", help="write nothing, and say what is wrong")
    check = parser.parse_args().check
    tests = collect()
    wrong = [line for version in (V311, V5) for line in found(version, tests[version.marker], check)]
    if wrong:
        raise ToolError("\n".join(wrong))


if __name__ == "__main__":
    errors.run_main(main)
