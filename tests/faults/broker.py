"""The broker: a mosquitto that can be killed and restarted, with the settings that lose the least."""

from __future__ import annotations

from pathlib import Path

from tools.testkit.mosquitto import PlainMosquitto


class Broker(PlainMosquitto):
    """It saves each change at once, and sends without delay.

    persistent  whether it has its sessions again after it was killed
    """

    def __init__(self, folder: Path, persistent: bool = False, *settings: str) -> None:
        """settings: more lines of mosquitto.conf."""
        super().__init__(
            folder,
            *settings,
            "set_tcp_nodelay true",
            "max_queued_messages 0",  # no limit: a dropped message would look like a fault of the device
            f"persistence {str(persistent).lower()}",
            f"persistence_location {folder}/",
            "autosave_on_changes true",
            "autosave_interval 1",
        )
        self.persistent = persistent
