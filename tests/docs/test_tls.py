"""docs/tls.md, typed as it stands: an authority, a broker with passwords or certificates, and the board."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

from tests.docs.laptop import Laptop
from tests.docs.pages import DOCS, fenced
from tests.examples.board import wait_for_line
from tools import fetch
from tools.errors import ToolError
from tools.testkit.mosquitto import hashed
from tools.testkit.ports import free_port
from tools.testkit.vm import Run

PAGE = DOCS / "tls.md"
NAME = ("broker.local", "localhost")


def block(language: str, heading: str, nth: int = 0) -> str:
    return [text for above, text in fenced(PAGE, language) if above == heading][nth].replace(*NAME)


def lines(text: str) -> list[str]:
    return re.sub(r"\\\n", "", text).splitlines()


def start_broker(laptop: Laptop, conf: str, command: str, port: int) -> Run:
    """Start mosquitto as the page says, on a free port. root, as whom tests may run, says that it may stay root."""
    user = "user root\n" if os.geteuid() == 0 else ""
    (laptop.folder / "broker.conf").write_text(conf.replace("8883", str(port)) + user)
    assert command.split()[0] == "mosquitto"
    return Run([str(fetch.mosquitto()), *command.split()[1:]], laptop.folder)


def test_the_page(laptop: Laptop) -> None:
    port = free_port()
    laptop.address = f'"localhost", {port}'
    laptop.save(PAGE)
    for line in lines(block("sh", "Your own authority, with openssl")):
        laptop.command(line)
    passwords, start = lines(block("sh", "mosquitto"))
    try:
        make = shlex.quote(str(fetch.mosquitto_passwd()))
    except ToolError:
        make_passwords(laptop.folder, passwords)
    else:
        laptop.command(re.sub("^mosquitto_passwd", make, passwords))
    laptop.command("make device PROFILE=simple")
    laptop.command("mpremote mkdir :/lib")
    laptop.command("mpremote cp -r build/device/simple/umqtt2 :/lib/")
    with start_broker(laptop, block("text", "mosquitto"), start, port) as broker:
        wait_for_line(broker, "running")
        for line in [*lines(block("sh", "The board")), "mpremote cp main.py :main.py"]:
            laptop.command(line)
        with laptop.board.boot() as run:
            wait_for_line(run, "connected")
        wait_for_line(broker, "u'kitchen-1'")

    heading = "A certificate for each board"
    for line in lines(block("sh", heading)):
        laptop.command(line)
    with start_broker(laptop, block("text", heading), start, port) as broker:
        wait_for_line(broker, "running")
        for line in ("cert.der :", "key.der :", "with_certificate.py :main.py"):
            laptop.command(f"mpremote cp {line}")
        with laptop.board.boot() as run:
            wait_for_line(run, "connected")
        wait_for_line(broker, "u'kitchen-1'")


def test_the_service_gets_whole_paths(laptop: Laptop) -> None:
    (laptop.folder / "broker.conf").write_text(block("text", "mosquitto"))
    (command,) = [line for line in lines(block("sh", "mosquitto", 1)) if line.startswith("sed ")]
    said = laptop.command(command.partition(" | ")[0])
    assert said.count("/etc/mosquitto/tls/") == 4
    assert "keyfile /etc/mosquitto/tls/broker.key" in said


def make_passwords(folder: Path, command: str) -> None:
    """Do what mosquitto_passwd does, which is not everywhere where mosquitto is."""
    program, create, batch, name, user, password = shlex.split(command)
    assert (program, create, batch) == ("mosquitto_passwd", "-c", "-b")
    (folder / name).write_text(f"{user}:{hashed(password)}\n")
