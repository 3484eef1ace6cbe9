"""The site: it builds without a broken link, and has every public name."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator

import pytest

import umqtt2
from tests.docs.built import built_site
from tools.docs.columns import listed
from tools.paths import REPO
from umqtt2 import errno

# Not imported by programs: the parts of MicroPython that CPython lacks, what the client or the fake broker alone uses.
INTERNAL = tuple(
    "umqtt2." + name
    for name in ("cpython", "__main__", "client", "cli", "session.journal", "start", "testing.packets")
)
SHOWN = re.findall(r"^::: ([\w.]+)$", (REPO / "docs" / "api.md").read_text(encoding="utf-8"), re.MULTILINE)


def public() -> Iterator[tuple[str, object]]:
    """Every class and function that a program may import from where it is defined."""
    for info in pkgutil.walk_packages(umqtt2.__path__, "umqtt2."):
        if info.name.startswith(INTERNAL):
            continue
        module = importlib.import_module(info.name)
        for name, value in vars(module).items():
            here = getattr(value, "__module__", None) == info.name
            if here and not name.startswith("_") and (inspect.isclass(value) or inspect.isfunction(value)):
                yield f"{info.name}.{name}", value


# Used only by the package.
OWN = (
    "errno.malformed",
    "connection.units",
    "reconnect.is_permanent",
    "session.memory.awaits_of",
    "streaming.ChunkReceiver",
    "transport.tls.load",
    "transport.tls.der",
    "texts.certificate",
    "texts.describe",
    "transport.tls.advised",
    "transport.tls.check_pair",
    "transport.tls.is_address",
    "transport.websocket.frame",
    "v5.binary",
    "v5.counted",
    "v5.uint",
    "v5.user_properties",
    "v5.varint",
)
# Of these modules the package shows these names; what they are made of is their own.
PARTS = ("_checks.", "testing.properties.")
FROM_PARTS = ("check_session", "check_transport", "encode_properties", "decode_properties")
NAMES = {
    name: value
    for name, value in public()
    if not name.endswith(OWN) and (name.endswith(FROM_PARTS) or not any(part in name for part in PARTS))
}


@pytest.mark.timeout(180)
def test_it_builds_strictly(tmp_path_factory: pytest.TempPathFactory) -> None:
    page = (built_site(tmp_path_factory) / "api" / "index.html").read_text(encoding="utf-8")
    for text in ("set_callback_chunks", "keep_qos0", "Wait until the transport is readable"):
        assert text in page


@pytest.mark.parametrize("name", NAMES)
def test_each_public_name_is_shown_and_says_what_it_is(name: str) -> None:
    assert name in SHOWN
    value = NAMES[name]
    assert inspect.getdoc(value)
    if inspect.isclass(value):
        for method, _ in inspect.getmembers(value, inspect.isfunction):
            if not method.startswith(("_", "cb")):
                assert inspect.getdoc(getattr(value, method)), f"{name}.{method}"


def test_each_number_is_explained() -> None:
    text = (REPO / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    for name, number in vars(errno).items():
        if name.isupper() and isinstance(number, int) and name != "TYPE_CHECKING":
            assert re.search(rf"{number} `{name}`", text), name


def test_columns_become_lists() -> None:
    text = "Text.\n\nname         what it is,\n             and more\nother, one   something\n\nReturns it."
    assert listed(text) == (
        "Text.\n\n- `name`: what it is,\n  and more\n- `other, one`: something\n\nReturns it."
    )
