"""Run the soak test: `python -m tests.soak --help`."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.soak.runner import soak
from tools import errors
from tools.testkit.vm import Failed


def show(line: str) -> None:
    print(line, flush=True)


def main() -> None:
    """Run it and print the results; the exit status is 1 if there is a problem."""
    parser = argparse.ArgumentParser("python -m tests.soak", description="Run a small heap for a long time.")
    parser.add_argument("count", type=int, nargs="?", default=100_000, help="messages each way; %(default)s")
    parser.add_argument("--five", action="store_true", help="with MQTT 5, and the sources")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="umqtt2-soak-") as folder:
        try:
            results = asyncio.run(soak(Path(folder), options.count, show=show, five=options.five))
        except Failed as error:
            sys.exit(str(error))
    show("\n".join(results.lines()))
    sys.exit(1 if results.problems() else 0)


if __name__ == "__main__":
    errors.run_main(main)
