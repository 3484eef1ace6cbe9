"""Fuzz for some minutes, one target after the other."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from tests.fuzz import corpus
from tests.fuzz.targets import TARGETS
from tools.errors import ToolError, run_main
from tools.paths import BUILD, REPO

FOUND = BUILD / "fuzz"  # inputs that were found; kept for the next run
SLOW = 10  # seconds that no input may take
MEMORY = 256  # MB that no process may take, whatever it has seen
LONGEST = 200  # bytes of an input that is kept in the repository


class Result(NamedTuple):
    """Of one target: executions, edges of the code that they reach, inputs that are kept, those that fail."""

    executions: int
    edges: int
    inputs: int
    crashes: list[Path]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="in all; default: %(default)s")
    parser.add_argument("--target", choices=TARGETS, action="append", help="default: all")
    parser.add_argument("--merge", action="store_true", help="then bring what was found into the corpus")
    args = parser.parse_args()
    if not find_spec("atheris"):
        raise ToolError(
            "fuzz: needs atheris, which PyPI has for CPython 3.11 to 3.13 on Linux (x86_64) only; this is "
            f"{sys.implementation.name} {sys.version_info[0]}.{sys.version_info[1]} on {sys.platform}. "
            "`make test` replays the corpus without it."
        )
    names = args.target or list(TARGETS)
    whole = sum(TARGETS[name].share for name in names)
    line = "{:<10}{:>8}{:>12}{:>7}{:>8}{:>9}"
    print(line.format("target", "seconds", "executions", "edges", "inputs", "crashes"), flush=True)
    crashes: list[Path] = []
    for name in names:
        seconds = max(1, round(args.minutes * 60 * TARGETS[name].share / whole))
        result = fuzz(name, seconds)
        crashes += result.crashes
        figures = f"{result.executions:,}", result.edges, result.inputs, len(result.crashes)
        print(line.format(name, seconds, *figures), flush=True)
        if args.merge and not result.crashes:
            merge(name)
    if crashes:
        print("Each of these says what fails:")
        for path in crashes:
            print(f"  python -m tests.fuzz.replay {path.parent.name} {path.relative_to(REPO)}")
        sys.exit(1)


def fuzz(name: str, seconds: int) -> Result:
    """Fuzz one target; what it says is in a file beside what it finds."""
    folder = FOUND / name
    corpus.unpack(name, folder / "corpus")
    log = folder / "log"
    code = atheris(
        name, log, f"-max_total_time={seconds}", "-print_final_stats=1", "-use_value_profile=1",
        f"-artifact_prefix={folder}/", str(folder / "corpus"),
    )  # fmt: skip
    said = log.read_text(errors="replace")
    crashes = [Path(path) for path in re.findall(r"Test unit written to (.+)", said)]
    if code and not crashes:
        raise ToolError(f"fuzz: {name} did not run; {log.relative_to(REPO)} says why")
    return Result(
        _last(r"number_of_executed_units: (\d+)", said), _last(r"cov: (\d+)", said),
        _last(r"corp: (\d+)", said), crashes,
    )  # fmt: skip


def merge(name: str) -> None:
    """Make a target's corpus anew: the smallest inputs that reach all that has been reached."""
    log = FOUND / name / "merge.log"
    with tempfile.TemporaryDirectory(dir=FOUND / name) as folder:
        code = atheris(name, log, "-merge=1", folder, str(FOUND / name / "corpus"), longest=LONGEST)
        inputs = [path.read_bytes() for path in Path(folder).iterdir()]
    if code or not inputs:
        raise ToolError(f"fuzz: {name} could not be merged; {log.relative_to(REPO)} says why")
    corpus.write(name, inputs)


def atheris(name: str, log: Path, *arguments: str, longest: int | None = None) -> int:
    command = [
        sys.executable, "-m", "tests.fuzz.target", name, f"-max_len={longest or TARGETS[name].longest}",
        f"-timeout={SLOW}", f"-rss_limit_mb={MEMORY}", *arguments,
    ]  # fmt: skip
    with open(log, "w") as out:
        return subprocess.run(command, cwd=REPO, stdout=out, stderr=subprocess.STDOUT, check=False).returncode


def _last(pattern: str, text: str) -> int:
    found = re.findall(pattern, text)
    return int(found[-1]) if found else 0


if __name__ == "__main__":
    run_main(main)
