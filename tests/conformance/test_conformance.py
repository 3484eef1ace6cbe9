"""docs/conformance.md and conformance-5.md are true: every statement has a test, and every test a statement."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tools.conformance import V5, V311, Statement, Statements, Version, page, problems, read
from tools.paths import REPO

HELP = "See tests/conformance/statements.ini and statements-5.ini, and say `make conformance`."


def test_the_pages_are_what_the_tests_say() -> None:
    # In a process of its own: pytest cannot collect while it runs.
    command = [sys.executable, "-m", "tools.conformance", "--check"]
    result = subprocess.run(command, cwd=REPO, capture_output=True, text=True)
    if result.returncode:
        pytest.fail(f"{result.stderr}{HELP}", pytrace=False)


@pytest.mark.parametrize("version, count, both, client", [(V311, 141, 38, 34), (V5, 251, 87, 48)])
def test_no_statement_of_the_standard_is_left_out(version: Version, count: int, both: int, client: int) -> None:
    statements = read(version.file)
    numbers = [*statements.client, *statements.server]
    assert len(numbers) == len(set(numbers)) == count
    for section in {number.rpartition("-")[0] for number in numbers}:
        last = [int(number.rpartition("-")[2]) for number in numbers if number.startswith(section + "-")]
        first = 2 if version is V5 and section == "MQTT-2.2.1" else 1  # MQTT 5 has no MQTT-2.2.1-1
        assert sorted(last) == list(range(first, len(last) + first))
    binds = [statement.binds for statement in statements.client.values()]
    assert (binds.count("both"), binds.count("client"), len(binds)) == (both, client, both + client)
    assert all(statement.profile in ("", "full") for statement in statements.client.values())
    assert all(statement.asks for statement in statements.client.values())


def statement(number: str, absent: str = "") -> Statement:
    return Statement(number, "client", "it asks", "we do", absent=absent)


SOME = Statements(
    {"MQTT-1.0.0-1": statement("MQTT-1.0.0-1"), "MQTT-6.0.0-1": statement("MQTT-6.0.0-1", absent="No.")},
    ["MQTT-2.0.0-1"],
)


@pytest.mark.parametrize(
    "tests, expected",
    [
        ({"MQTT-1.0.0-1": ["a.py::test"]}, []),
        ({}, ["MQTT-1.0.0-1: no test shows it"]),
        (
            {"MQTT-1.0.0-1": ["a.py::test"], "MQTT-1.0.0-2": ["a.py::test"]},
            ["MQTT-1.0.0-2: there is no such statement, but a.py::test names it"],
        ),
        (
            {"MQTT-1.0.0-1": ["a.py::test"], "MQTT-2.0.0-1": ["a.py::test"]},
            ["MQTT-2.0.0-1: binds servers alone, but a.py::test names it"],
        ),
        (
            {"MQTT-1.0.0-1": ["a.py::test"], "MQTT-6.0.0-1": ["a.py::test"]},
            ["MQTT-6.0.0-1: it is said to be absent, but a.py::test shows it"],
        ),
    ],
)
def test_differences_are_reported(tests: dict[str, list[str]], expected: list[str]) -> None:
    assert list(problems(SOME, tests)) == expected


def test_a_page_names_the_marker_of_its_version() -> None:
    assert '`@pytest.mark.mqtt5("MQTT-x.y.z-n")`' in page(V5, SOME, {})
    assert '`@pytest.mark.mqtt("MQTT-x.y.z-n")`' in page(V311, SOME, {})


def test_what_a_test_shows_has_words() -> None:
    silent = Statements({"MQTT-1.0.0-1": statement("MQTT-1.0.0-1")._replace(does="")}, [])
    expected = "MQTT-1.0.0-1: a.py::test shows it, but it is not said what umqtt2 does"
    assert list(problems(silent, {"MQTT-1.0.0-1": ["a.py::test"]})) == [expected]


def test_the_page_names_each_statement_with_its_tests() -> None:
    text = page(V311, SOME, {"MQTT-1.0.0-1": ["a.py::test", "b.py::test"]})
    assert "| MQTT-1.0.0-1 | it asks | we do | `a.py::test`<br>`b.py::test` |" in text
    assert "| MQTT-6.0.0-1 | it asks | No. |  |" in text
