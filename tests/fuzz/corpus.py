"""The inputs that the repository keeps: corpus/TARGET.txt has one in each line, in hexadecimal."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

FOLDER = Path(__file__).parent / "corpus"


def read(name: str) -> list[bytes]:
    """Return the inputs of a target."""
    path = FOLDER / f"{name}.txt"
    return [bytes.fromhex(line) for line in path.read_text().splitlines()] if path.exists() else []


def write(name: str, inputs: Iterable[bytes]) -> None:
    """Keep these inputs of a target, and no others."""
    FOLDER.mkdir(exist_ok=True)
    lines = sorted({data.hex() for data in inputs}, key=lambda line: (len(line), line))
    (FOLDER / f"{name}.txt").write_text("".join(line + "\n" for line in lines))


def unpack(name: str, folder: Path) -> None:
    """Write the inputs of a target to files, as libFuzzer wants them."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, data in enumerate(read(name)):
        (folder / f"kept-{i}").write_bytes(data)
