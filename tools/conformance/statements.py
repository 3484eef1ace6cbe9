"""The normative statements of a version of MQTT."""

from __future__ import annotations

from configparser import ConfigParser
from pathlib import Path
from typing import NamedTuple

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


def read(path: Path) -> Statements:
    """Read the file at `path`."""
    parser = ConfigParser(interpolation=None)
    with path.open(encoding="utf-8") as file:
        parser.read_file(file)
    server = [f"MQTT-{section}-{n}" for section, value in parser[SERVER].items() for n in value.split()]
    client = {number: _statement(number, parser[number]) for number in parser.sections() if number != SERVER}
    return Statements(client, server)


def _statement(number: str, said: object) -> Statement:
    values = {name: " ".join(text.split()) for name, text in dict(said).items()}  # type: ignore[call-overload]
    optional = {name: values.pop(name, "") for name in ("does", "profile", "differs", "absent")}
    return Statement(number=number, **values, **optional)
