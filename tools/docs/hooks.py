"""What MkDocs does for our site besides what mkdocs.yml says; MkDocs calls these functions by their names."""

from __future__ import annotations

import configparser
from typing import Any

from tools.packages.manifests import version
from tools.paths import REPO


def on_config(config: Any) -> Any:
    """Show the version of the package, and a link to its repository when the package's metadata has one."""
    config.site_name = f"{config.site_name} {version()}"
    config.repo_url = repository()
    config.repo_name = config.repo_url.partition("://")[2] or None
    return config


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Tell the search how much a page counts, by the section of the navigation that it stands in."""
    section = page.ancestors[-1].title if page.ancestors else ""
    weight = config.extra["search_weight"].get(section)
    if weight:
        page.meta.setdefault("search", {"boost": weight})
    return markdown


def repository() -> str:
    """The address in setup.cfg, or "" while the project has no public one."""
    setup = configparser.ConfigParser(interpolation=None)
    setup.read(REPO / "setup.cfg", encoding="utf-8")
    return setup.get("metadata", "url", fallback="")
