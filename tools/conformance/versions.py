"""The versions of MQTT whose statements have a page."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tools.paths import REPO

FOLDER = REPO / "tests" / "conformance"
DOCS = REPO / "docs"


class Version(NamedTuple):
    """A version of MQTT.

    name      as in the text
    standard  publisher and date of the standard
    file      its statements
    marker    the marker with which tests name them
    page      the document
    title     the document's title
    chapters  the standard's chapters that have statements for a client
    full      what comes before the list of what only the profile `full` has
    """

    name: str
    standard: str
    file: Path
    marker: str
    page: Path
    title: str
    chapters: dict[str, str]
    full: str


CHAPTERS = {
    "1": "Text",
    "2": "Packets",
    "3": "The packets one by one",
    "4": "Behaviour",
    "6": "WebSocket",
    "7": "Conformance",
}

V311 = Version(
    name="3.1.1",
    standard="OASIS, 29 October 2014",
    file=FOLDER / "statements.ini",
    marker="mqtt",
    page=DOCS / "conformance.md",
    title="Conformance",
    chapters=CHAPTERS,
    full="The profiles `core` and `simple` do not know QoS 2 and keep no messages, so nothing is sent again:",
)
V5 = Version(
    name="5.0",
    standard="OASIS, 7 March 2019",
    file=FOLDER / "statements-5.ini",
    marker="mqtt5",
    page=DOCS / "conformance-5.md",
    title="Conformance: MQTT 5",
    chapters=CHAPTERS | {"1": "Data"},
    full="The smaller profiles do not know QoS 2 and keep no messages, so nothing is sent again:",
)
VERSIONS = (V311, V5)
