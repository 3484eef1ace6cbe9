"""What the playground's page loads and is not ours: `python -m tools.playground` makes it, below build/playground/.

micropython.mjs, micropython.wasm
    npm's newest build of MicroPython. A program for a board waits in `time.sleep_ms`, and a page may not wait: so
    Binaryen's asyncify adds to the .wasm that a call of JavaScript can suspend it; docs/playground/suspend.js has the
    other half.
editor.js
    CodeMirror, as one module.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tools import errors, wasm
from tools.commands import run
from tools.node import install, node
from tools.paths import BUILD, locked, new_folder

FOLDER = BUILD / "playground"
FILES = ("micropython.mjs", "micropython.wasm", "editor.js")

# A version that all of them have been tried with.
PACKAGES = {
    "binaryen": "132.0.0",
    "esbuild": "0.28.2",
    "@codemirror/commands": "6.11.1",
    "@codemirror/lang-python": "6.2.1",
    "@codemirror/language": "6.13.1",
    "@codemirror/state": "6.7.6",
    "@codemirror/view": "6.43.15",
}
EDITOR = """
export { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
export { python } from "@codemirror/lang-python";
export { HighlightStyle, bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
export { EditorState } from "@codemirror/state";
export { EditorView, drawSelection, keymap, lineNumbers } from "@codemirror/view";
export { tags } from "@lezer/highlight";
"""

# What may suspend: calls of JavaScript functions, and the calls below which emscripten catches exceptions.
IMPORTS = "env.call0,env.call1,env.call2,env.calln,env.invoke_*"
# Most of what -O1 does for the size, in a third of its time.
PASSES = ("--asyncify", "--simplify-locals", "--coalesce-locals", "--vacuum", "--remove-unused-brs", "--vacuum")


def build() -> Path:
    """The folder with FILES, made when it is not there or was made of something else."""
    source = wasm.build("newest")
    version = json.loads((source / "package.json").read_text(encoding="utf-8"))["version"]
    made_of = json.dumps([version, PACKAGES, EDITOR, IMPORTS, PASSES])
    stamp = FOLDER / "made-of.json"
    with locked("playground"):
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != made_of:
            with new_folder(FOLDER) as draft:
                _make(draft, source)
                (draft / stamp.name).write_text(made_of, encoding="utf-8")
    return FOLDER


def _make(folder: Path, source: Path) -> None:
    packages = folder / "node_modules"
    install(folder, *(f"{name}@{version}" for name, version in PACKAGES.items()))
    shutil.copy(source / "micropython.mjs", folder)
    _run(
        packages / "binaryen" / "bin" / "wasm-opt",
        str(source / "micropython.wasm"),
        "--output",
        str(folder / "micropython.wasm"),
        f"--pass-arg=asyncify-imports@{IMPORTS}",
        *PASSES,
    )
    entry = folder / "entry.js"
    entry.write_text(EDITOR)
    bundle = ("--bundle", "--format=esm", "--minify", "--log-level=warning", f"--outfile={folder / 'editor.js'}")
    _run(packages / "esbuild" / "bin" / "esbuild", str(entry), *bundle)
    shutil.rmtree(packages)  # Binaryen has 100 MB


def _run(script: Path, *arguments: str) -> None:
    """Run a program of an npm package."""
    with open(script, "rb") as file:
        command = [str(node())] if file.read(2) == b"#!" else []
    run([*command, str(script), *arguments], f"playground: {script.name} failed")


def main() -> None:
    """Make it, and print where it is."""
    print(build())


if __name__ == "__main__":
    errors.run_main(main)
