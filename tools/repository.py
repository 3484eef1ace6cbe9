"""Where the repository is on the web. Nothing in it says so: it can move, and forks are elsewhere."""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from tools.commands import said
from tools.errors import ToolError
from tools.paths import REPO

VARIABLE = "UMQTT2_REPO_URL"


def web_address(checkout: Path = REPO) -> str:
    """Return the address of the variable, or of the place that a checkout was cloned from; "" where neither has one.

    Raises ToolError when the variable has something else. Empty, it means none.
    """
    given = os.environ.get(VARIABLE)
    if given is None:
        return as_web_address(said("git", "-C", str(checkout), "config", "remote.origin.url").strip())
    address = as_web_address(given)
    if given and not address:
        raise ToolError(f"{VARIABLE}={given} is not an address on the web; write https://host/owner/umqtt2")
    return address


def as_web_address(remote: str) -> str:
    """Return the page of a git remote, given with http, https or ssh or as user@host:path, without user and password;
    "" for a path, and for a host that only this machine knows."""
    like_scp = re.fullmatch(r"(?:[\w.+-]+@)?([\w-]+(?:\.[\w-]+)+):(?!//)/?(.+)", remote)
    parts = urlsplit("ssh://{}/{}".format(*like_scp.groups()) if like_scp else remote)
    path = parts.path.rstrip("/")
    path = path[: -len(".git")] if path.endswith(".git") else path
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError:  # of the port
        return ""
    if parts.scheme not in ("http", "https", "ssh") or not path or not _is_public(host):
        return ""
    if parts.scheme == "ssh":  # its port is not that of the pages
        return f"https://{host}{path}"
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{path}"


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global and ":" not in host
    except ValueError:
        return "." in host and not host.endswith((".localhost", ".local", ".internal"))
