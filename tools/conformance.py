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
from pathlib import Path
from typing import NamedTuple

import jinja2
import pytest

from tools import errors
from tools.errors import ToolError
from tools.paths import REPO

TESTS = REPO / "tests"
TEMPLATE = Path(__file__).with_suffix(".md.jinja")
Tests = dict[str, list[str]]  # the names of the tests, by the number of the statement that they show


class Version(NamedTuple):
    """A version of MQTT: its number, the marker by which tests name its statements, the end of its files' names."""

    name: str
    marker: str
    suffix: str

    @property
    def file(self) -> Path:
        """Its statements."""
        return TESTS / "conformance" / f"statements{self.suffix}.ini"

    @property
    def page(self) -> Path:
        """The document."""
        return REPO / "docs" / f"conformance{self.suffix}.md"


V311 = Version("3.1.1", "mqtt", "")
V5 = Version("5.0", "mqtt5", "-5")


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
    """A pytest plugin that notes, by marker and statement, the names of the tests that have it."""

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
    template = jinja2.Template(TEMPLATE.read_text("utf-8"), trim_blocks=True, undefined=jinja2.StrictUndefined)
    client = list(statements.client.values())
    return template.render(version=version, client=client, server=statements.server, tests=tests)


def found(version: Version, tests: Tests, check: bool) -> Iterator[str]:
    """Write a document, or only check it; one line for each problem."""
    statements = read(version.file)
    yield from problems(statements, tests)
    text = page(version, statements, tests)
    name = version.page.relative_to(REPO)
    if not check:
        version.page.write_text(text, encoding="utf-8")
        print(f"{name}: {len(statements.client)} statements")
    elif version.page.read_text(encoding="utf-8") != text:
        yield f"{name}: not what `make conformance` would make now"


def main() -> None:
    """Write or check the documents."""
    parser = argparse.ArgumentParser("python -m tools.conformance", description="Write the pages of conformance.")
    parser.add_argument("--check", action="store_true", help="write nothing, and say what is wrong")
    check = parser.parse_args().check
    tests = collect()
    if wrong := [line for version in (V311, V5) for line in found(version, tests[version.marker], check)]:
        raise ToolError("\n".join(wrong))


if __name__ == "__main__":
    errors.run_main(main)
