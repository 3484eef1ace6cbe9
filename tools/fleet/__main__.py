"""Run the simulation: `python -m tools.fleet --help`."""

from __future__ import annotations

import argparse

from tools import errors
from tools.fleet import picture, text
from tools.fleet.simulate import simulate
from tools.paths import BUILD, REPO

HERE = BUILD / "fleet"
DOCS = REPO / "docs" / "reliability"


def main() -> None:
    """Simulate a fleet with and without jitter, and show what it did and what larger ones would do."""
    parser = argparse.ArgumentParser("python -m tools.fleet", description="Reconnects of a fleet of clients.")
    parser.add_argument("--clients", type=int, default=1000, help="default %(default)s")
    parser.add_argument("--outage", type=float, default=10, help="seconds; default %(default)s")
    parser.add_argument(
        "--backoff", type=float, nargs=2, default=(1, 60), metavar=("FIRST", "LONGEST"), help="default 1 60"
    )
    parser.add_argument("--docs", action="store_true", help="put the picture into docs/reliability, too")
    parser.add_argument("--markdown", action="store_true", help="print tables for a document")
    options = parser.parse_args()
    backoff = tuple(options.backoff)
    print(f"{options.clients} clients, backoff {backoff}, broker gone for {options.outage:g} s")
    jitter, plain = (simulate(options.clients, backoff, options.outage, how) for how in (True, False))
    tables = {
        "Measured": text.measured(jitter, plain),
        "The most CONNECTs in a second as the fleet grows, with this backoff": text.grown(jitter),
        "The backoff to set": text.advice(),
    }
    for title, table in tables.items():
        print("\n".join(["", title, *(text.markdown if options.markdown else text.lines)(table)]))
    for folder in [HERE, DOCS] if options.docs else [HERE]:
        print(f"\nPicture: {picture.draw(jitter, plain, folder / 'fleet.png').relative_to(REPO)}")


if __name__ == "__main__":
    errors.run_main(main)
