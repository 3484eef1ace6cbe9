"""Makes a page of the site of each file of examples/: MkDocs calls the functions `on_...`.

The title and the text are its docstring's, what it needs is what it imports.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from jinja2 import Template
from mkdocs.structure.files import File, Files

from tools.paths import REPO

FILES = sorted((REPO / "examples").glob("*.py"))
SECTION = "Examples"
OF_THE_BOARD = {"machine", "network", "esp32", "esp", "rp2", "bluetooth", "neopixel", "onewire", "ds18x20", "dht"}
PAGE = """\
# {{ sentence.replace(":", ",").split(",")[0] }}

{{ sentence }}.
{{ text }}
{% if umqtt2 or firmware %}
## What it needs

{% endif %}
{% for whose, names in {"umqtt2": umqtt2, "firmware": firmware}.items() if names %}
- {{ whose }}: `{{ names | join("`, `") }}`
{% endfor %}

## The program

```python title="examples/{{ name }}.py"
{{ code }}
```

{% for setting in settings %}
Beside it, its settings: [{{ setting }}.py]({{ setting }}.md).

{% endfor %}
{% if umqtt2 %}
## Run it

Edit the settings in capitals, and copy it to the board:

```sh
{% for setting in settings %}
mpremote cp examples/{{ setting }}.py :{{ setting }}.py
{% endfor %}
mpremote cp examples/{{ name }}.py :main.py
mpremote reset + repl
```

How umqtt2 gets there: [Installing on a board](../installing.md).
{% endif %}
"""


def parts(path: Path) -> dict[str, Any]:
    """What a page says of a file."""
    _, docstring, code = path.read_text(encoding="utf-8").split('"""', 2)
    sentence, _, text = docstring.partition("\n")
    modules = sorted(set(re.findall(r"^ *(?:from|import) ([\w.]+)", code, re.MULTILINE)))
    return {
        "name": path.stem,
        "sentence": sentence.rstrip("."),
        "text": text,
        "umqtt2": [name for name in modules if name.split(".")[0] == "umqtt2"],
        "firmware": [name for name in modules if name in OF_THE_BOARD],
        "settings": [other.stem for other in FILES if other.stem in modules],
        "code": code.strip(),
    }


def on_config(config: Any) -> Any:
    """Put the pages into the navigation."""
    for entry in config.nav:
        if SECTION in entry:
            entry[SECTION] = ["examples/index.md", *(f"examples/{path.stem}.md" for path in FILES)]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the pages to the documentation."""
    pages = [parts(path) for path in FILES]
    made = {page["name"]: Template(PAGE, trim_blocks=True).render(page) for page in pages}
    rows = [f"| [{page['name']}.py]({page['name']}.md) | {page['sentence']} |" for page in pages]
    head = [f"# {SECTION}", "", "The files of the folder `examples/`, each a whole program.", ""]
    made["index"] = "\n".join([*head, "| file | what it is |", "|---|---|", *rows, ""])
    for name, text in made.items():
        files.append(File.generated(config, f"examples/{name}.md", content=text))
    return files
