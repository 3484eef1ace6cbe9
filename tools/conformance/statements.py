"""The normative statements of MQTT 3.1.1."""

from __future__ import annotations

from configparser import ConfigParser
from typing import NamedTuple

from tools.paths import REPO

FILE = REPO / "tests" / "conformance" / "statements.ini"
SERVER = "server"


class Statement(NamedTuple):
    """A statement that binds a client; the file describes the fields."""

    number: str
    binds: str
    asks: str
    does: str
    profile: str
    differs: str
    absent: str

    @property
    def section(self) -> str:
        """The section of the standard that it is in."""
        return self.number[len("MQTT-") :].rpartition("-")[0]


class Statements(NamedTuple):
    """All statements."""

    client: dict[str, Statement]  # by number, in the order of the standard
    server: list[str]  # numbers of those that bind servers alone


def read() -> Statements:
    """Read the file."""
    parser = ConfigParser(interpolation=None)
    with FILE.open(encoding="utf-8") as file:
        parser.read_file(file)
    server = [f"MQTT-{section}-{n}" for section, value in parser[SERVER].items() for n in value.split()]
    client = {number: _statement(number, parser[number]) for number in parser.sections() if number != SERVER}
    return Statements(client, server)


def _statement(number: str, said: object) -> Statement:
    values = {name: " ".join(text.split()) for name, text in dict(said).items()}  # type: ignore[call-overload]
    optional = {name: values.pop(name, "") for name in ("profile", "differs", "absent")}
    return Statement(number=number, **values, **optional)
