"""A reader who follows a page: saves its files, and types its commands."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.docs.board import Board
from tests.docs.pages import blocks, fenced
from tools.device import install
from tools.paths import REPO

SECONDS = 120


class Laptop:
    """A checkout in a folder of its own, and a board at its USB.

    address  what the reader writes in the place of the pages' brokers: arguments of Python
    """

    def __init__(self, folder: Path, board: Board, address: str) -> None:
        self.folder = folder
        self.board = board
        self.address = address
        for name in ("umqtt2", "tools", "examples"):
            (folder / name).symlink_to(REPO / name)

    def save(self, page: Path) -> None:
        """Save each program of a page whose first line is its name."""
        for source in blocks(page):
            name = re.match(r"# (\w+\.py)\n", source)
            if name:
                self.write(name[1], source)

    def write(self, name: str, source: str) -> None:
        """Save a program, with the reader's broker."""
        source = re.sub(r'"(broker\.local|127\.0\.0\.1)"', self.address, source)
        (self.folder / name).write_text(source)

    def type(self, page: Path, heading: str, nth: int = 0) -> str:
        """Type the commands below a heading; return what they print."""
        found = [text for above, text in fenced(page, "sh") if above == heading]
        lines = re.sub(r"\\\n", "", found[nth]).splitlines()
        return "".join(self.command(line) for line in lines if not line.startswith("#"))

    def command(self, line: str) -> str:
        """Run one command; it must succeed."""
        words = shlex.split(line, comments=True)
        if not words:
            return ""
        if Path(words[0]).name == "mpremote":
            files = [self.folder / word if (self.folder / word).exists() else word for word in words[1:]]
            assert not self.board.mpremote(*map(str, files)), line
            return ""
        if "tools/fetch.py" in line:
            line = re.sub(r"\.venv/bin/python", shlex.quote(sys.executable), line)
        if words[:2] == ["make", "device"]:
            profile = words[2].partition("=")[2] if words[2:] else "simple"
            install(profile, self.folder / "build" / "device" / profile)
            return ""
        if words[0] == ".venv/bin/python" or words[0] == "python3":
            line = shlex.join([sys.executable, *words[1:]])
        done = subprocess.run(
            ["bash", "-ec", line], cwd=self.folder, capture_output=True, text=True, timeout=SECONDS
        )
        assert not done.returncode, done.stdout + done.stderr
        return done.stdout
