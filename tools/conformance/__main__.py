"""python -m tools.conformance [--check]: write docs/conformance.md and conformance-5.md, or say what is wrong."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from tools import errors
from tools.conformance.markers import Tests, collect
from tools.conformance.page import page
from tools.conformance.problems import problems
from tools.conformance.statements import read
from tools.conformance.versions import VERSIONS, Version
from tools.paths import REPO


def found(version: Version, tests: Tests, check: bool) -> Iterator[str]:
    """Write a document, or only check it; one line for each problem."""
    statements = read(version.file)
    yield from problems(statements, tests)
    text = page(version, statements, tests)
    name = version.page.relative_to(REPO)
    if not check:
        version.page.write_text(text, encoding="utf-8")
        print(f"{name}: {len(statements.client)} statements")
    elif not version.page.exists() or version.page.read_text(encoding="utf-8") != text:
        yield f"{name}: not what `make conformance` would make now"


def main() -> None:
    """Write or check the documents."""
    parser = argparse.ArgumentParser("python -m tools.conformance", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()
    tests = collect([version.marker for version in VERSIONS])
    wrong = [line for version in VERSIONS for line in found(version, tests[version.marker], options.check)]
    for problem in wrong:
        print(problem, file=sys.stderr)
    sys.exit(bool(wrong))


errors.run_main(main)
