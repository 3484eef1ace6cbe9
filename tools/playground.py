"""What the playground's page loads and is not ours: made below build/playground/.

micropython.mjs, micropython.wasm
    npm's newest build of MicroPython. A program for a board waits in `time.sleep_ms`, and a page may not wait: so
    Binaryen's asyncify adds to the .wasm that a call of JavaScript can suspend it; docs/playground/suspend.js has the
    other half.
editor.js
    CodeMirror, as one module.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from tools.commands import run
from tools.node import PACKAGES, environment, package, program
from tools.paths import BUILD, made_once

FILES = ("micropython.mjs", "micropython.wasm", "editor.js")
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
    return made_once(BUILD / "playground", _make, f"{PACKAGES} {EDITOR} {IMPORTS} {PASSES}")


def _make(folder: Path) -> None:
    source = package("micropython-newest")
    shutil.copy(source / "micropython.mjs", folder)
    asyncify = ["--output", str(folder / "micropython.wasm"), f"--pass-arg=asyncify-imports@{IMPORTS}", *PASSES]
    run([program("wasm-opt"), str(source / "micropython.wasm"), *asyncify], "playground", env=environment())
    entry = folder / "entry.js"
    entry.write_text(EDITOR)
    bundle = ["--bundle", "--format=esm", "--minify", "--log-level=warning", f"--outfile={folder / 'editor.js'}"]
    # What it imports is not beside it.
    path = {"NODE_PATH": str(source.parent)}
    run([program("esbuild"), str(entry), *bundle], "playground", env={**environment(), **path})
