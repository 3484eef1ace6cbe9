"""Puts mermaid into the site, which draws the sequence diagrams: MkDocs calls `on_files`.

Without it the theme would load it from another host.
"""

from __future__ import annotations

from typing import Any

from mkdocs.structure.files import File, Files

from tools.node import package

MERMAID = "@mermaid-js/tiny"
TARGET = "assets/mermaid.min.js"


def on_files(files: Files, config: Any) -> Files:
    """Add the script to the site; theme/main.html loads it on pages with a diagram."""
    files.append(File.generated(config, TARGET, abs_src_path=str(package(MERMAID) / "dist" / "mermaid.tiny.js")))
    return files
