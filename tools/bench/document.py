"""docs/performance.md: its tables and pictures are those of the last results."""

from __future__ import annotations

import re
import shutil
from functools import partial
from pathlib import Path

from tools.bench import text
from tools.bench.claims import claims
from tools.bench.plan import ASYNCIO, CPYTHON, MICROPYTHON
from tools.bench.results import Results
from tools.errors import ToolError
from tools.paths import REPO

DOCUMENT = REPO / "docs" / "performance.md"
PICTURES = REPO / "docs" / "performance"


def update(
    results: Results, pictures: list[Path], document: Path = DOCUMENT, folder: Path = PICTURES
) -> None:
    """Put the results between the document's markers, `<!-- bench: NAME -->` and `<!-- end -->`."""
    parts = {
        "conditions": _conditions(results),
        "targets": text.markdown(text.claimed(results)),
        "micropython": text.markdown(text.speed(results, MICROPYTHON)),
        "exact": text.markdown(text.exact(results)),
        "cpython": text.markdown(text.speed(results, CPYTHON)),
        "asyncio": text.markdown(text.speed(results, ASYNCIO)),
        "not reached": _not_reached(results),
    }
    page = document.read_text(encoding="utf-8")
    for name, part in parts.items():
        marked = re.compile(rf"(<!-- bench: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not marked.search(page):
            raise ToolError(f"bench: {document.name} has no place for `{name}`")
        page = marked.sub(partial(_filled, part), page)
    document.write_text(page, encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    for picture in pictures:
        shutil.copy(picture, folder)


def _filled(part: str, marked: re.Match[str]) -> str:
    return f"{marked[1]}{part}\n{marked[2]}"


def _conditions(results: Results) -> str:
    versions = results["versions"]
    return "\n".join(
        [
            f"- {results['date']}, {results['rounds']} rounds, samples of {results['seconds']:g} s",
            f"- {versions['vm']}; CPython {versions['cpython']}",
            f"- umqtt2 {versions['umqtt2']}; umqtt.simple {versions['umqtt.simple']};"
            f" umqtt.simple2 {versions['umqtt.simple2']}; paho-mqtt {versions['paho-mqtt']};"
            f" aiomqtt {versions['aiomqtt']}; gmqtt {versions['gmqtt']}",
            f"- mosquitto {versions['mosquitto']}",
            f"- {results['machine']}; load before the run: {results['load before']}",
        ]
    )


def _not_reached(results: Results) -> str:
    missed = [claim for claim in claims(results) if not claim.reached]
    if not missed:
        return "In this run every target was reached."
    lines = []
    for claim in missed:
        found, target = text.number(claim.found.median), text.number(claim.target)
        line = f"- {claim.text}: {found} ({claim.sense} {target})"
        if claim.bare:
            line += f"; the bare socket: {text.number(claim.bare.median)}"
        lines.append(line)
    return "\n".join(["Not reached in this run:", "", *lines])
