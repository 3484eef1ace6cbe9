"""python -m tools.conformance [--check]: write docs/conformance.md, or say what is wrong with it."""

from __future__ import annotations

import argparse
import sys

from tools import errors
from tools.conformance import PAGE
from tools.conformance.markers import collect
from tools.conformance.page import page
from tools.conformance.problems import problems
from tools.conformance.statements import read
from tools.paths import REPO


def main() -> None:
    """Write or check the document."""
    parser = argparse.ArgumentParser("python -m tools.conformance", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()
    statements, tests = read(), collect()
    found = list(problems(statements, tests))
    text = page(statements, tests)
    name = PAGE.relative_to(REPO)
    if not options.check:
        PAGE.write_text(text, encoding="utf-8")
        print(f"{name}: {len(statements.client)} statements")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        found.append(f"{name}: not what `make conformance` would make now")
    for problem in found:
        print(problem, file=sys.stderr)
    sys.exit(bool(found))


errors.run_main(main)
