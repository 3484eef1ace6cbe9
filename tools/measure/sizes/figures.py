"""The figures of one client, by name: what the tables, the budget and sizes.json are made of."""

from __future__ import annotations

from typing import Optional

from tools.measure.sizes import cost
from tools.measure.sizes.clients import Client
from tools.measure.sizes.echo import Endpoints, prepared, smallest_heap
from tools.paths import BUILD

# From the name of a figure to its value in bytes (files and names: how many); None is "not applicable".
Figures = dict[str, Optional[float]]

PLAIN_HEAP, TLS_HEAP = "plain_heap", "tls_heap"

RESULTS = BUILD / "sizes" / "sizes.json"
LIMITED = ("mpy_bytes", "import_heap", PLAIN_HEAP, TLS_HEAP)  # by the budget

# Their names in the tables.
TITLES = {
    "files": "files",
    "mpy_bytes": ".mpy bytes",
    "plain_bytes": "without -O3",
    "loaded_bytes": "of it loaded",
    "import_heap": "heap: import",
    "tls_import_heap": "heap: with TLS",
    "names": "new names",
    "object_heap": "heap: client",
    PLAIN_HEAP: "smallest heap: plain",
    TLS_HEAP: "smallest heap: TLS",
}

# What the profile that does all that umqtt.simple2 does has to reach, its TLS included. docs/performance.md
# says where these numbers come from.
TARGET_PROFILE = "simple"
TARGETS = {"mpy_bytes": 4021, "import_heap": 6160, "tls_import_heap": 6160, PLAIN_HEAP: 9 * 1024}


def costs(client: Client) -> Figures:
    """The figures that need no network."""
    return dict(cost.measure(client)._asdict())


def heaps(client: Client, endpoints: Endpoints) -> Figures:
    """The smallest heaps. A client that the program is not written for has none."""
    found: Figures = {}
    if not client.program:
        return found
    with prepared(client, endpoints.laptop, endpoints.plain) as echo:
        found[PLAIN_HEAP] = smallest_heap(echo)
    found[TLS_HEAP] = None
    if client.tls and client.echo_tls:
        with prepared(client, endpoints.laptop, endpoints.tls, endpoints.ca) as echo:
            found[TLS_HEAP] = smallest_heap(echo)
    return found
