"""The thermometer: readings arrive, commands are followed."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from tests.examples.board import Board
from tools.testkit.certificates import Certificates
from tools.testkit.mosquitto import Mosquitto
from tools.testkit.observer import Observer

READINGS, COMMANDS = "home/thermometer-1/temperature", "home/thermometer-1/command"


def test_thermometer(
    board: Board, broker: Mosquitto, certificates: Certificates, observe: Callable[[str], Observer]
) -> None:
    observer = observe(READINGS)
    board.copy("config.py", BROKER="localhost", PORT=broker.port("tls"), INTERVAL=50)
    board.copy("thermometer.py")
    shutil.copy(certificates.der("ca"), board.folder)
    with board.start("thermometer.py") as run:
        assert observer.next(READINGS).payload.endswith(b" C")
        observer.publish(COMMANDS, b"unit F", qos=1)
        observer.publish(COMMANDS, b"unit K", qos=1)
        while not observer.next(READINGS).payload.endswith(b" F"):
            pass
        while "not a command: b'unit K'" not in run.output:
            assert observer.next(READINGS).payload.endswith(b" F")
