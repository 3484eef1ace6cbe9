"""The site: it builds without a broken link, and has every public name."""

from __future__ import annotations

import html
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import umqtt2
from tests.docs.built import ADDRESS, built_site
from tools.docs.columns import listed
from tools.paths import REPO
from umqtt2 import errno

# Not imported by programs: the parts of MicroPython that CPython lacks, what the client or the fake broker alone uses.
INTERNAL = tuple(
    "umqtt2." + name
    for name in ("cpython", "__main__", "client", "cli", "session.journal", "start", "testing.packets")
)
API = sorted((REPO / "docs" / "api").glob("*.md"))
SHOWN = [
    name for path in API for name in re.findall(r"^::: ([\w.]+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
]


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
    "texts.shown",
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
PARTS = ("_checks.", "testing.properties.", "transport.trace.")
FROM_PARTS: tuple[str, ...] = ("check_session", "check_transport", "encode_properties", "decode_properties")
FROM_PARTS += ("TraceTransport", "PacketLines")
NAMES = {
    name: value
    for name, value in public()
    if not name.endswith(OWN) and (name.endswith(FROM_PARTS) or not any(part in name for part in PARTS))
}


class Page(HTMLParser):
    """What a page of the site links to, what it loads by itself, and the places in it that a link can name."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.places = {""}
        self.text = path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.places.update({found.get("id", ""), found.get("name", "")})
        if tag == "a":
            self.links.append(found.get("href", ""))
        elif tag == "link" and found.get("rel") in ("stylesheet", "icon", "preload", "modulepreload"):
            self.loaded.append(found["href"])
        elif "src" in found:
            self.loaded.append(found["src"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_site(tmp_path_factory)


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in sorted(site.rglob("*.html")) if path.name != "404.html"}


@pytest.mark.timeout(180)
def test_it_builds_strictly(site: Path) -> None:
    page = "".join(path.read_text(encoding="utf-8") for path in site.glob("api/*.html"))
    for text in ("set_callback_chunks", "keep_qos0", "Wait until the transport is readable"):
        assert text in page


@pytest.mark.timeout(180)
def test_each_link_leads_somewhere(pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        for link in [*page.links, *page.loaded]:
            target = urlsplit(link)
            if target.scheme or link.startswith("//"):
                continue
            file = (path.parent / unquote(target.path)).resolve() if target.path else path
            assert file.is_file(), f"{path.name}: {link}"
            if file in pages and target.fragment:
                assert unquote(target.fragment) in pages[file].places, f"{path.name}: {link}"


@pytest.mark.timeout(180)
def test_no_page_loads_anything_from_another_host(site: Path, pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        for link in page.loaded:
            assert not urlsplit(link).netloc, f"{path.name}: {link}"
        # The theme's script asks this host about a repository, for a link that has this mark.
        assert 'data-md-component="source"' not in page.text
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", sheet.read_text(encoding="utf-8")), sheet


@pytest.mark.parametrize("example", sorted((REPO / "examples").glob("*.py")), ids=lambda path: path.stem)
def test_each_example_is_a_page(example: Path, pages: dict[Path, Page], site: Path) -> None:
    page = pages[site / "examples" / f"{example.stem}.html"]
    last = example.read_text(encoding="utf-8").splitlines()[-1].split()[0]
    assert html.escape(last) in page.text or last in re.sub("<[^>]*>", "", page.text)
    assert f"{example.stem}.html" in pages[site / "examples" / "index.html"].text


def test_diagrams_are_drawn_by_a_script_of_the_site(pages: dict[Path, Page], site: Path) -> None:
    assert 'class="mermaid"' in pages[site / "qos.html"].text
    for page in pages.values():
        assert ("assets/mermaid.min.js" in page.text) == ('class="mermaid"' in page.text)


def test_a_page_has_version_colours_previous_and_next(pages: dict[Path, Page], site: Path) -> None:
    text = pages[site / "tls.html"].text
    assert f"umqtt2 {umqtt2.__version__}" in text
    assert text.count('name="__palette"') == 3
    assert "md-footer__link--prev" in text and "md-footer__link--next" in text


def test_a_page_links_to_the_repository(pages: dict[Path, Page], site: Path) -> None:
    page = pages[site / "tls.html"]
    assert ADDRESS in page.links and ADDRESS.partition("://")[2] in page.text


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
