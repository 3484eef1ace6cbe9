"""Makes a page of the site of each file of examples/: MkDocs calls the functions `on_...`.

The title and the text are its docstring's, what it needs is what it imports.
"""

from __future__ import annotations

import ast
import re
import textwrap
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

from tools.paths import REPO

FOLDER = REPO / "examples"
SECTION = "Examples"
OF_THE_BOARD = {"machine", "network", "esp32", "esp", "rp2", "bluetooth", "neopixel", "onewire", "ds18x20", "dht"}


class Example:
    """A file of examples/."""

    def __init__(self, path: Path) -> None:
        self.path = path
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source)
        self.modules = sorted(set(_imported(tree)))
        first, _, self.text = (ast.get_docstring(tree) or path.stem).partition("\n")
        self.sentence = first.rstrip(".")
        self.title = re.split(r"[:,.]", first)[0]
        lines = source.splitlines()
        begin = tree.body[0].end_lineno if ast.get_docstring(tree) else 0
        self.code = "\n".join(lines[begin:]).strip()

    @property
    def settings(self) -> list[Path]:
        """The files beside it that it imports."""
        return [FOLDER / f"{name}.py" for name in self.modules if (FOLDER / f"{name}.py").exists()]

    def page(self) -> str:
        """The page as Markdown."""
        parts = [f"# {self.title}", f"{self.sentence}.", _paragraphs(self.text)]
        ours = [name for name in self.modules if name.split(".")[0] == "umqtt2"]
        board = [name for name in self.modules if name in OF_THE_BOARD]
        needs = [f"- {whose}: {_names(names)}" for whose, names in (("umqtt2", ours), ("firmware", board)) if names]
        if needs:
            parts += ["## What it needs", "\n".join(needs)]
        parts += ["## The program", _block("python", self.code, f"examples/{self.path.name}")]
        for path in self.settings:
            parts += [f"Beside it, its settings: [{path.name}]({path.stem}.md)."]
        if ours:
            copies = [f"mpremote cp examples/{path.name} :{path.name}" for path in self.settings]
            copies.append(f"mpremote cp examples/{self.path.name} :main.py")
            parts += ["## Run it", "Edit the settings in capitals, and copy it to the board:"]
            parts += [_block("sh", "\n".join([*copies, "mpremote reset + repl"]))]
            parts += ["How umqtt2 gets there: [Installing on a board](../installing.md)."]
        return "\n\n".join(filter(None, parts)) + "\n"


def examples() -> list[Example]:
    """All of them, by name."""
    return [Example(path) for path in sorted(FOLDER.glob("*.py"))]


def on_config(config: Any) -> Any:
    """Put the pages into the navigation."""
    names = ["examples/index.md", *(f"examples/{example.path.stem}.md" for example in examples())]
    for entry in config.nav:
        if SECTION in entry:
            entry[SECTION] = names
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the pages to the documentation."""
    rows = ["| file | what it is |", "|---|---|"]
    for example in examples():
        name = example.path.name
        rows.append(f"| [{name}]({example.path.stem}.md) | {example.sentence} |")
        files.append(File.generated(config, f"examples/{example.path.stem}.md", content=example.page()))
    index = "\n\n".join([f"# {SECTION}", "The files of the folder `examples/`, each a whole program.", "\n".join(rows)])
    files.append(File.generated(config, "examples/index.md", content=index + "\n"))
    return files


def _imported(tree: ast.Module) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
    return found


def _names(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _block(language: str, text: str, title: str = "") -> str:
    head = f'{language} title="{title}"' if title else language
    return f"```{head}\n{text}\n```"


def _paragraphs(text: str) -> str:
    """Paragraphs of a docstring; those that are indented are shown as they are."""
    parts = [part.strip("\n") for part in re.split(r"\n\s*\n", text)]
    shown = [_block("text", textwrap.dedent(part)) if part.startswith("    ") else part for part in parts if part]
    return "\n\n".join(shown)
