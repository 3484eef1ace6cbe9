"""The document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, groupby

from tools.conformance.markers import Tests
from tools.conformance.statements import Statement, Statements
from tools.conformance.versions import Version

FULL = "full"

HEAD = """\
# {title}

What MQTT {name} asks of a client, statement by statement, what umqtt2 does about it, and the tests that show
it. The numbers are those of appendix B of the standard ({standard}); the words are ours.

This page is made by `make conformance`, from `tests/conformance/{file}` and from the tests, which say
`@pytest.mark.{marker}("MQTT-x.y.z-n")`. `make test` fails when a statement has no test, when a test names one
that does not exist, or when this page is not what would be made now.
"""


def page(version: Version, statements: Statements, tests: Tests) -> str:
    """The whole page."""
    head = HEAD.format(**{**version._asdict(), "file": version.file.name})
    parts = [
        _counts(statements, tests),
        _differences(version, statements),
        _tables(version, statements, tests),
    ]
    return "\n".join([head, *chain.from_iterable(parts)])


def _counts(statements: Statements, tests: Tests) -> Iterator[str]:
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


def _differences(version: Version, statements: Statements) -> Iterator[str]:
    client = statements.client.values()
    yield "## Where umqtt2 differs"
    yield ""
    yield from _list((s.number, s.differs) for s in client if s.differs)
    absent = [(s.number, s.absent) for s in client if s.absent]
    if absent:
        yield "## What is not there"
        yield ""
        yield from _list(absent)
    full = [s.number for s in client if s.profile == FULL]
    if full:
        yield "## What only the profile `full` has"
        yield ""
        yield version.full
        yield ", ".join(full) + "."
        yield ""


def _list(items: Iterable[tuple[str, str]]) -> Iterator[str]:
    for number, text in items:
        yield f"- **{number}**: {text}"
    yield ""


def _tables(version: Version, statements: Statements, tests: Tests) -> Iterator[str]:
    for chapter, group in groupby(statements.client.values(), lambda s: s.section.partition(".")[0]):
        yield f"## {chapter} {version.chapters[chapter]}"
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
