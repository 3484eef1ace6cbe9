"""The diagrams of the documentation's pages, as a browser draws them."""

from __future__ import annotations

import re
from typing import Any

from tests.playground.conftest import LIMIT_MS
from tools.node import package
from tools.paths import REPO

DIAGRAM = re.compile(r"^```mermaid\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_each_diagram_can_be_drawn(browser: Any) -> None:
    diagrams = {
        f"{path.name}, {number}": text
        for path in sorted((REPO / "docs").rglob("*.md"))
        for number, text in enumerate(DIAGRAM.findall(path.read_text(encoding="utf-8")), 1)
    }
    assert len(diagrams) > 10
    page = browser.new_page()
    page.set_default_timeout(LIMIT_MS)
    page.add_script_tag(path=package("@mermaid-js/tiny") / "dist" / "mermaid.tiny.js")
    page.evaluate("mermaid.initialize({startOnLoad: false})")
    for name, text in diagrams.items():
        assert ";" not in text, f"{name}: mermaid takes what follows a semicolon for a new line"
        drawn = page.evaluate("([text]) => mermaid.render('d', text).then(d => d.svg, e => 'error: ' + e)", [text])
        assert drawn.startswith("<svg"), f"{name}: {drawn}"
    page.close()
