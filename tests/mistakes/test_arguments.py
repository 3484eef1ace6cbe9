"""What is wrong with an argument is said with its name, what it is, and what to do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.mistakes.conftest import run
from tools.paths import REPO
from tools.testkit.ports import free_port

# The sources with both interpreters, and the build that has all parts.
TREES = ("cpython", "source", "full")

# What a program does, and the line that it ends with.
MISTAKES = {
    'c.publish("t", 21)': "TypeError: msg: not str or bytes but int; use str() or json.dumps()",
    'c.publish("t", {"a": 1})': "TypeError: msg: not str or bytes but dict; use str() or json.dumps()",
    'c.publish("t", None)': "TypeError: msg: not str or bytes but NoneType; use str() or json.dumps()",
    'c.publish("a/#", "x")': "ValueError: topic: empty, or with a wildcard, + or #",
    'c.subscribe("a/#/b")': "ValueError: topic: empty, or with + or # in the wrong place",
    'c.unsubscribe("")': "ValueError: topic: empty, or with + or # in the wrong place",
    'c.publish("t", "x", qos="1")': "ValueError: qos: not an int from 0 to 2",
    'MQTTClient("id", "localhost", "1883")': "TypeError: port: not an int but str",
    'MQTTClient("id", "localhost", keepalive="60").connect()': "TypeError: keepalive: not an int but str",
    'MQTTClient("id", "localhost", transport=TCPTransport).connect()': "TypeError: transport: a class; make an"
    " object of it, as in TCPTransport(server, port)",
    'MQTTClient("id", "localhost", session=FileSession).connect()': "TypeError: session: a class; make an"
    " object of it, as in TCPTransport(server, port)",
    'MQTTClient("id", "localhost", packets=V5).connect()': "TypeError: packets: a class; make an"
    " object of it, as in TCPTransport(server, port)",
    'MQTTClient("id", "localhost", ssl=True, ssl_params={"cadata": CA, "cert": CA}).connect()': "ValueError: cert"
    " and key: one without the other",
    'Aio("id", "localhost", will=("gone", "x"))': "",
}
# The same where each interpreter has words of its own for a number.
FAILURES = {
    'MQTTClient("id", "localhost", PORT).connect()': ("[Errno 111] ", "localhost:PORT"),
    'MQTTClient("id", "no.such.name.invalid").connect()': ("name not found: no.such.name.invalid",),
    'MQTTClient("id", "localhost", ssl=True, ssl_params={"cadata": "/no/ca.der"}).connect()': (
        "[Errno 2] ",
        "/no/ca.der",
    ),
}
PROGRAM = """
from umqtt2 import MQTTClient
from umqtt2.aio import MQTTClient as Aio
from umqtt2.session.file import FileSession
from umqtt2.transport.tcp import TCPTransport
from umqtt2.v5 import V5

PORT = %d
CA = b"no certificate is needed for this"
c = MQTTClient("id", "localhost")
c.set_callback(print)
for line in %r:
    try:
        exec(line)
        print("")
    except Exception as e:
        print("%%s: %%s" %% (type(e).__name__, e))
"""


@pytest.fixture(scope="module", params=TREES)
def said(request: pytest.FixtureRequest, trees: Callable[[str], Path]) -> dict[str, str]:
    """What is printed for each line."""
    lines = [*MISTAKES, *FAILURES]
    port = free_port()
    program = PROGRAM % (port, lines)
    if request.param == "cpython":
        command = [sys.executable, "-c", program]
        output = subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=100).stdout
    else:
        output = run(trees(request.param), program)
    found = output.replace(str(port), "PORT").split("\n")
    assert len(found) == len(lines) + 1, output
    return dict(zip(lines, found))


@pytest.mark.parametrize("line", MISTAKES)
def test_a_wrong_argument(said: dict[str, str], line: str) -> None:
    assert said[line] == MISTAKES[line]


@pytest.mark.parametrize("line", FAILURES)
def test_what_cannot_be_reached_is_named(said: dict[str, str], line: str) -> None:
    for part in FAILURES[line]:
        assert part in said[line]
