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
    'MQTTClient("id", "localhost", ssl=True, ssl_params={"cadata": CA}).connect()': "ValueError: cadata: not a"
    " certificate, or key, in PEM or DER",
    'MQTTClient("id", "localhost", ssl=True, ssl_params={"verify": 0, "cert": CA, "key": CA}).connect()': "ValueError:"
    " cert: not a certificate, or key, in PEM or DER",
    'MQTTClient("id", "localhost", ssl="yes").connect()': "TypeError: ssl: not True or an SSLContext but str",
    'MQTTClient("id", None).connect()': "TypeError: server: not a str but NoneType",
    'MQTTClient("id", ["a", "b"]).connect()': "TypeError: server: not a str but list",
    'MQTTClient("id", "localhost", keepalive=70000).connect()': "ValueError: keepalive: not 0 to 65,535 seconds",
    'MQTTClient(5, "localhost").connect()': "TypeError: client_id: not str or bytes but int",
    'MQTTClient("id", "localhost", user="u", password=1234).connect()': "TypeError: password: not str or bytes but int",
    'MQTTClient("id", "localhost", password="x").connect()': "ValueError: password: without a user",
    'c.set_callback(None) or c.subscribe("a")': "ValueError: set_callback: call it with a function before subscribe()",
    'c.publish("", "x")': "ValueError: topic: empty, or with a wildcard, + or #",
    'c.publish(V5, "x")': "TypeError: topic: not str or bytes but type",
    'c.set_last_will("a/+", "x")': "ValueError: topic: empty, or with a wildcard, + or #",
    'c.set_last_will("a", {})': "TypeError: msg: not str or bytes but dict; use str() or json.dumps()",
    'c.set_last_will("a", "x", qos=3)': "ValueError: qos: not an int from 0 to 2",
    'Router().on("a/#/b")': "ValueError: topic: empty, or with + or # in the wrong place",
    "Router().on(5)": "TypeError: topic: not str or bytes but int",
    "FileSession(5)": "TypeError: path: not a str but int",
    'Topic("a", expiry="60")': "TypeError: expiry: not an int but str",
    'Topic("a", expiry=-1)': "ValueError: expiry: out of range; MQTT has 4 bytes for it",
    "Options(5)": "ValueError: options: not qos 0 to 2, retained 0 to 2, identifier 0 to 1,000",
    'Aio("id", "localhost", will=("gone", "x"))': "",
}
# In the sources alone: no build has room for words about what is rarely wrong.
RARELY = {
    "Options('1')": "ValueError: options: qos, retained or identifier is not an int",
    'V5(aliases="5")': "ValueError: aliases: not an int from 0",
    'V5(user=["a", "b"])': "TypeError: user: not pairs of name and value",
    'MQTTClient("id", "localhost", 70000)': "ValueError: port: not 0 to 65,535",
    'MQTTClient("id", "localhost", max_packet=None)': "ValueError: max_packet: not an int from 1",
    'MQTTClient("id", "localhost", max_packet="8192")': "ValueError: max_packet: not an int from 1",
    'MQTTClient("id", "localhost", max_packet=0)': "ValueError: max_packet: not an int from 1",
    'MQTTClient("id", "localhost", ssl=True, ssl_params="/ca.der")': "TypeError: ssl_params: not a dict but str",
    'MQTTClient("id", "localhost", ssl=True, ssl_params={"cadata": 5}).connect()': "ValueError: cadata: not a"
    " certificate, or key, in PEM or DER",
    'MQTTClient("id", "localhost", transport="tcp").connect()': "TypeError: transport: not an object of one but"
    " str",
    'MQTTClient("id", "localhost", session="queue").connect()': "TypeError: session: not an object of one but str",
    'Robust("id", "localhost", session="queue")': "TypeError: session: not an object like FileSession(path) but str",
    'Robust("id", "localhost", backoff=5)': "TypeError: backoff: not (first, longest) in seconds",
    'Robust("id", "localhost", backoff=("1", "60"))': "TypeError: backoff: not (first, longest) in seconds",
    'Aio("id", "localhost", max_packet=-1)': "ValueError: max_packet: not an int from 1",
    'Aio("id", "localhost", will="gone")': "TypeError: will: not (topic, payload), perhaps with retain and QoS",
    'Aio("id", "localhost", will=("gone",))': "TypeError: will: not (topic, payload), perhaps with retain and QoS",
    'asyncio.run(Aio("id", "localhost").next("1"))': "TypeError: timeout: not a number but str",
    "MemorySession(limit=0)": "ValueError: limit: not an int from 1",
    "MemorySession(window=0)": "ValueError: window: not an int from 1",
    'FileSession("/no/queue", "50")': "ValueError: limit: not an int from 1",
    'WebSocketTransport("localhost", "80")': "TypeError: port: not an int but str",
    'WebSocketTransport("localhost", 80, "mqtt")': "ValueError: path: does not begin with /",
    'c.set_callback("text")': "TypeError: set_callback: not a function but str",
    'c.set_callback_status("text")': "TypeError: set_callback_status: not a function but str",
    'c.set_callback_chunks("a", "b")': "TypeError: set_callback_chunks: not a function but str",
    "c.set_callback_chunks(print)": "ValueError: set_callback_chunks: no topic filters",
    'Robust("id", "localhost").set_callback_connection(True)': "TypeError: set_callback_connection: not a function but"
    " bool",
    'Router("text")': "TypeError: default: not a function but str",
    'Router().on("a")("text")': "TypeError: on: not a function but str",
    "WebSocketTransport(None)": "TypeError: server: not a str but NoneType",
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
import asyncio
from umqtt2 import MQTTClient
from umqtt2.aio import MQTTClient as Aio
from umqtt2.robust import MQTTClient as Robust
from umqtt2.router import Router
from umqtt2.session.file import FileSession
from umqtt2.session.memory import MemorySession
from umqtt2.transport.tcp import TCPTransport
from umqtt2.transport.websocket import WebSocketTransport
from umqtt2.v5 import V5, Options, Topic

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
    lines = [*MISTAKES, *FAILURES, *([] if request.param == "full" else RARELY)]
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


@pytest.mark.parametrize("said", [tree for tree in TREES if tree != "full"], indirect=True)
@pytest.mark.parametrize("line", RARELY)
def test_what_is_rarely_wrong(said: dict[str, str], line: str) -> None:
    assert said[line] == RARELY[line]


@pytest.mark.parametrize("line", FAILURES)
def test_what_cannot_be_reached_is_named(said: dict[str, str], line: str) -> None:
    for part in FAILURES[line]:
        assert part in said[line]


SMALL = """
from umqtt2%s import MQTTClient
def connect(client):
    done = client.connect()
    if hasattr(done, "send"):
        import asyncio
        asyncio.run(done)
for server in (None, ["a"], "a:1883"):
    try:
        connect(MQTTClient("id", server))
    except OSError as e:
        print(e)
"""


@pytest.mark.parametrize("tree, module", [("simple", ""), ("aio", ".aio")])
def test_small_builds_name_a_server_that_is_none(tree: str, module: str, trees: Callable[[str], Path]) -> None:
    said = [line for line in run(trees(tree), SMALL % module).splitlines() if not line.startswith("umqtt2: ")]
    for server, line in zip(("None", "['a']", "a:1883"), said):
        assert f"name not found: {server}" in line, said
