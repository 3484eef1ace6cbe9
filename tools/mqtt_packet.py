"""mqtt-packet, an encoder and decoder of MQTT that is not ours: it is MQTT.js's, installed with npm below build/npm/.

`python -m tools.mqtt_packet` installs it.
"""

from __future__ import annotations

from pathlib import Path

from tools import errors
from tools.node import install
from tools.paths import BUILD, locked, new_folder

PACKAGE = "mqtt-packet"
VERSION = "9.0.2"


def build() -> Path:
    """The folder of the package, installed when it is not yet."""
    folder = BUILD / "npm" / f"{PACKAGE}-{VERSION}"
    inside = Path("node_modules") / PACKAGE
    with locked(PACKAGE):
        if not (folder / inside / "mqtt.js").exists():
            with new_folder(folder) as draft:
                install(draft, f"{PACKAGE}@{VERSION}")
    return folder / inside


def main() -> None:
    """Install it."""
    print(build())


if __name__ == "__main__":
    errors.run_main(main)
