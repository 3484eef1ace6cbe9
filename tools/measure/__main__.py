"""Measure something, show the figures, and publish them in docs/: `python -m tools.measure --help`."""

from __future__ import annotations

import argparse
import json
import sys

from tools import errors
from tools.measure import cluster, fleet, instructions, published, sizes, speed, wakeup, wire
from tools.paths import BUILD
from tools.tables import show

MODULES = (sizes, speed, instructions, wakeup, wire, fleet, cluster)
MEASUREMENTS = {module.__name__.rpartition(".")[2]: module for module in MODULES}


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser("python -m tools.measure", description="Measure umqtt2 beside other clients.")
    commands = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    for name, module in MEASUREMENTS.items():
        told = (module.__doc__ or "").partition("\n")[0]
        command = commands.add_parser(name, help=told, description=told)
        if hasattr(module, "options"):
            module.options(command)
        told = "put the figures into the files that are named above; pages get tables and pictures"
        command.add_argument("--docs", "--write-budget", action="store_true", help=told)
    told = "Measure nothing: make tables and pictures of docs/ again from its figures.json."
    commands.add_parser("pages", help=told, description=told)
    options = parser.parse_args()
    if options.what == "pages":
        for name, module in MEASUREMENTS.items():
            if hasattr(module, "PAGES"):
                published.write(module, published.read(name))
        return
    module = MEASUREMENTS[options.what]
    figures = module.measure(options)
    file = BUILD / "measure" / f"{options.what}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    for part in module.parts(figures).values():
        if isinstance(part, str):
            print(part + "\n")
        elif part.title:
            show(part)
    if options.docs and hasattr(module, "PAGES"):
        published.write(module, published.keep(options.what, figures))
    if hasattr(module, "problems"):
        sys.exit("\n".join(module.problems(figures)) or 0)


if __name__ == "__main__":
    errors.run_main(main)
