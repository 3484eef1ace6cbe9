"""The document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, groupby

from tools.conformance.statements import Statement, Statements

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
# Conformance

What MQTT 3.1.1 asks of a client, statement by statement, what umqtt2 does about it, and the tests that show
it. The numbers are those of appendix B of the standard (OASIS, 29 October 2014); the words are ours.

This page is made by `make conformance`, from `tests/conformance/statements.ini` and from the tests, which say
`@pytest.mark.mqtt("MQTT-x.y.z-n")`. `make test` fails when a statement has no test, when a test names one
that does not exist, or when this page is not what would be made now.
"""


def page(statements: Statements, tests: dict[str, list[str]]) -> str:
    """The whole page."""
    parts = [_counts(statements, tests), _differences(statements), _tables(statements, tests)]
    return "\n".join([HEAD, *chain.from_iterable(parts)])


def _counts(statements: Statements, tests: dict[str, list[str]]) -> Iterator[str]:
    client = statements.client.values()
    names = {name for number in statements.client for name in tests.get(number, [])}
    both = sum(statement.binds == "both" for statement in client)
    yield "| | |"
    yield "|---|---|"
    yield f"| statements of the standard | {len(client) + len(statements.server)} |"
    yield f"| that bind servers alone, not listed here | {len(statements.server)} |"
    yield f"| that bind a client, {both} of them a server too | {len(client)} |"
    yield f"| of these, shown by tests | {sum(number in tests for number in statements.client)} |"
    yield f"| of these, about a part of MQTT that is not there | {sum(bool(s.absent) for s in client)} |"
    yield f"| tests that show them | {len(names)} |"
    yield ""


def _differences(statements: Statements) -> Iterator[str]:
    client = statements.client.values()
    yield "## Where umqtt2 differs"
    yield ""
    yield from _list((s.number, s.differs) for s in client if s.differs)
    yield "## What is not there"
    yield ""
    yield from _list((s.number, s.absent) for s in client if s.absent)
    yield "## What only the profile `full` has"
    yield ""
    yield "The profiles `core` and `simple` do not know QoS 2 and keep no messages, so nothing is sent again:"
    yield ", ".join(s.number for s in client if s.profile == FULL) + "."
    yield ""


def _list(items: Iterable[tuple[str, str]]) -> Iterator[str]:
    for number, text in items:
        yield f"- **{number}**: {text}"
    yield ""


def _tables(statements: Statements, tests: dict[str, list[str]]) -> Iterator[str]:
    for chapter, group in groupby(statements.client.values(), lambda s: s.section.partition(".")[0]):
        yield f"## {chapter} {CHAPTERS[chapter]}"
        yield ""
        yield "| statement | what it asks | what umqtt2 does | tests |"
        yield "|---|---|---|---|"
        for statement in group:
            yield _row(statement, tests.get(statement.number, []))
        yield ""


def _row(statement: Statement, tests: list[str]) -> str:
    does = statement.absent or statement.does
    if statement.profile == FULL:
        does += " In `full` only."
    if statement.differs:
        does += " Differs, see above."
    shown = "<br>".join(f"`{name}`" for name in tests)
    return f"| {statement.number} | {statement.asks} | {does} | {shown} |"
