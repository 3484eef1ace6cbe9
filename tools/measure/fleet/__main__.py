"""Run the simulation: `python -m tools.measure.fleet --help`."""

from __future__ import annotations

import argparse
import json

from tools import errors, tables
from tools.measure.fleet import picture, text
from tools.measure.fleet.simulate import simulate
from tools.paths import BUILD, REPO

HERE = BUILD / "fleet"
DOCS = REPO / "docs" / "reliability"
PAGE = DOCS.with_suffix(".md")


def main() -> None:
    """Simulate a fleet with and without jitter, and show what it did and what larger ones would do."""
    parser = argparse.ArgumentParser("python -m tools.measure.fleet", description="Reconnects of a fleet of clients.")
    parser.add_argument("--clients", type=int, default=1000, help="default %(default)s")
    parser.add_argument("--outage", type=float, default=10, help="seconds; default %(default)s")
    parser.add_argument(
        "--backoff", type=float, nargs=2, default=(1, 60), metavar=("FIRST", "LONGEST"), help="default 1 60"
    )
    parser.add_argument("--docs", action="store_true", help="put tables and picture into docs/reliability.md, too")
    parser.add_argument("--redraw", action="store_true", help="simulate nothing: draw that page's picture again")
    options = parser.parse_args()
    if options.redraw:
        found = json.loads((DOCS / "fleet.json").read_text(encoding="utf-8"))
        print(picture.draw(found, DOCS / "fleet.svg").relative_to(REPO))
        return
    backoff = tuple(options.backoff)
    print(f"{options.clients} clients, backoff {backoff}, broker gone for {options.outage:g} s")
    jitter, plain = (simulate(options.clients, backoff, options.outage, how) for how in (True, False))
    parts = text.parts(jitter, plain)
    tables.show(*parts.values())
    found = picture.figures(jitter, plain)
    for folder in [HERE, DOCS] if options.docs else [HERE]:
        print(f"\nPicture: {picture.draw(found, folder / 'fleet.svg').relative_to(REPO)}")
        picture.save(found, folder / "fleet.json")
    if options.docs:
        tables.fill(PAGE, {name: tables.markdown(table) for name, table in parts.items()})


if __name__ == "__main__":
    errors.run_main(main)
