"""What MkDocs does for our site besides what mkdocs.yml says; MkDocs calls these functions by their names."""

from __future__ import annotations

from typing import Any

from mkdocs.exceptions import PluginError

from tools.errors import ToolError
from tools.packages.manifests import version
from tools.repository import web_address


def on_config(config: Any) -> Any:
    """Show the version of the package, and a link to its repository where its address is known."""
    config.site_name = f"{config.site_name} {version()}"
    try:
        config.repo_url = web_address()
    except ToolError as error:
        raise PluginError(str(error)) from None
    config.repo_name = config.repo_url.partition("://")[2] or None
    return config


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Tell the search how much a page counts, by the section of the navigation that it stands in."""
    section = page.ancestors[-1].title if page.ancestors else ""
    weight = config.extra["search_weight"].get(section)
    if weight:
        page.meta.setdefault("search", {"boost": weight})
    return markdown
