"""What MkDocs does for our site besides what mkdocs.yml says; MkDocs calls the functions `on_...`."""

from __future__ import annotations

import json
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

from tools import playground
from tools.errors import ToolError
from tools.node import package
from tools.paths import REPO
from tools.repository import web_address
from umqtt2 import __version__

MADE = "playground/made/"
PYTHON = REPO / "docs" / "playground" / "python"
# What a browser has in the place of these modules.
STAND_INS = {f"umqtt2/transport/{name}.py": PYTHON / "transport.py" for name in ("tcp", "tls", "websocket")}
# Not for MicroPython, or not for a browser.
LEFT_OUT = ("umqtt2/cpython/", "umqtt2/cli/", "umqtt2/__main__.py")


def on_config(config: Any) -> Any:
    """Show the version of the package, and a link to its repository where its address is known."""
    config.site_name = f"{config.site_name} {__version__}"
    try:
        config.repo_url = web_address()
    except ToolError as error:
        raise PluginError(str(error)) from None
    config.repo_name = config.repo_url.partition("://")[2] or None
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add what is made: mermaid, which draws the diagrams, and what the playground loads.

    mermaid: theme/main.html loads it on pages with a diagram; without it the theme would load it from another host.
    """
    made = {MADE + name: playground.build() / name for name in playground.FILES}
    made["assets/mermaid.min.js"] = package("@mermaid-js/tiny") / "dist" / "mermaid.tiny.js"
    for name, path in made.items():
        files.append(File.generated(config, name, abs_src_path=str(path)))
    files.append(File.generated(config, MADE + "lib.json", content=json.dumps(sources())))
    return files


def sources() -> dict[str, str]:
    """The files of the /lib of the playground's VM: path and text."""
    found = {path.relative_to(REPO).as_posix(): path for path in sorted((REPO / "umqtt2").rglob("*.py"))}
    found |= {**STAND_INS, "playground.py": PYTHON / "playground.py"}
    return {name: path.read_text("utf-8") for name, path in found.items() if not name.startswith(LEFT_OUT)}


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Tell the search how much a page counts, by the section of the navigation that it stands in."""
    section = page.ancestors[-1].title if page.ancestors else ""
    weight = config.extra["search_weight"].get(section)
    if weight:
        page.meta.setdefault("search", {"boost": weight})
    return markdown
