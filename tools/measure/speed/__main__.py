"""Run the benchmark: `python -m tools.measure.speed --help`."""

from __future__ import annotations

import argparse

from tools import errors
from tools.device import PROFILES
from tools.measure.speed import document, pictures, results, text
from tools.paths import REPO
from tools.tables import show
from tools.testkit.tree import SOURCE


def main() -> None:
    """Measure, keep the results, show them, and draw them."""
    parser = argparse.ArgumentParser("python -m tools.measure.speed", description="Measure umqtt2 and other clients.")
    parser.add_argument("--rounds", type=int, default=9, help="turns of each client; default %(default)s")
    parser.add_argument("--seconds", type=float, default=0.25, help="length of a sample; default %(default)s")
    builds = [*PROFILES, SOURCE]
    parser.add_argument("--profile", choices=builds, default="simple", help="build of umqtt2; %(default)s")
    parser.add_argument("--last", action="store_true", help="measure nothing: show the last results again")
    parser.add_argument("--docs", action="store_true", help="put the results into docs/performance.md")
    parser.add_argument("--redraw", action="store_true", help="measure nothing: draw the tables of that page again")
    options = parser.parse_args()
    if options.redraw:
        for picture in document.redraw():
            print(picture.relative_to(REPO))
        return
    if options.last:
        found = results.read()
    else:
        found = results.measure(options.profile, options.rounds, options.seconds)
    show(*text.tables(found))
    pictures.draw(found, results.HOME)
    print("Results and pictures: " + str(results.HOME.relative_to(REPO)))
    if options.docs:
        document.update(found)


if __name__ == "__main__":
    errors.run_main(main)
