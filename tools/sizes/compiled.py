"""Compile sources to .mpy, as our own builds are compiled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tools.testkit.tree import put

# Those of tools.device: no line numbers, and a name for tracebacks that costs nothing.
FLAGS = ("-O3", "-s", "main")


def compile_folder(
    source: Path, target: Path, optimise: bool = True, only: str = "*.py", leave_out: Sequence[str] = ()
) -> None:
    """Compile all of a folder, or the files that match `only`, into another, but those with certain names."""
    for path in sorted(source.rglob(only)):
        if path.name in leave_out:
            continue
        compile_file(path, (target / path.relative_to(source)).with_suffix(".mpy"), optimise)


def compile_file(source: Path, target: Path, optimise: bool = True) -> None:
    """Compile one file."""
    put(source, target, flags=FLAGS if optimise else ())


def compile_program(source: Path, target: Path, module: str, arguments: str = "") -> None:
    """Compile a program of ours, with its one line that imports the client from `module`.

    arguments: of MQTTClient, in place of those that the program has
    """
    line, made = "from umqtt2 import MQTTClient", 'MQTTClient("sizes", "localhost")'
    text = source.read_text(encoding="utf-8")
    assert line in text and (made in text or not arguments)
    text = text.replace(made, f"MQTTClient({arguments})") if arguments else text
    draft = target.with_suffix(".py")
    draft.parent.mkdir(parents=True, exist_ok=True)
    draft.write_text(text.replace(line, f"from {module} import MQTTClient"), encoding="utf-8")
    compile_file(draft, target)
    draft.unlink()


def mpy_bytes(folder: Path) -> int:
    """Bytes of all .mpy files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*.mpy"))
