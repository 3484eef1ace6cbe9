"""Where the statements and the tests do not agree."""

from __future__ import annotations

from collections.abc import Iterator

from tools.conformance.statements import Statements


def problems(statements: Statements, tests: dict[str, list[str]]) -> Iterator[str]:
    """One line for each problem."""
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
