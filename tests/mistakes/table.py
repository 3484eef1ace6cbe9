"""Twenty mistakes that are easily made, and what is seen of each: on MicroPython, with mosquitto.

Each program is run with the sources and with a build. It ends with an exception, or prints what is seen.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

from tools import fetch
from tools.testkit import vm
from tools.testkit.certificates import Certificates
from tools.testkit.mosquitto import Listener, Mosquitto
from tools.testkit.ports import free_port

LISTENERS = [
    Listener("plain"),
    Listener("tls", "server"),
    Listener("expired", "expired"),
    Listener("future", "future"),
]
HEAP_KB = 256
END = "----"


class Mistake(NamedTuple):
    """One that is easily made.

    what     in words
    program  the line or lines with it
    words    what is seen with the sources
    build    what of that a build says; None for all of it
    """

    what: str
    program: str
    words: str
    build: str | None = None


PLAIN = [
    Mistake("wrong host", 'MQTTClient("id", "no.such.invalid").connect()', "name not found: no.such.invalid"),
    Mistake("wrong port", 'MQTTClient("id", "localhost", NOBODY).connect()', "ECONNREFUSED: localhost:"),
    Mistake("port as text", 'MQTTClient("id", "localhost", "1883")', "port: not an int but str", ""),
    Mistake(
        "TLS on a port without it",
        'MQTTClient("id", "localhost", PLAIN, **tls(CA)).connect()',
        "ECONNRESET: is it a port for TLS?",
    ),
    Mistake(
        "no TLS on a port with it",
        'MQTTClient("id", "localhost", TLS).connect()',
        "ECONNRESET: is it a port for TLS? Then ssl=True",
    ),
    Mistake("payload: a number", 'connected().publish("t", 21.5)', "msg: not str or bytes but float; use str()"),
    Mistake("payload: a dict", 'connected().publish("t", {"a": 1})', "msg: not str or bytes but dict; use str()"),
    Mistake("payload: None", 'connected().publish("t", None)', "msg: not str or bytes but NoneType"),
    Mistake("topic: a number", 'connected().publish(5, "x")', "topic: not str or bytes but int"),
    Mistake("topic: a dict", 'connected().publish({"a": 1}, "x")', "topic: not str or bytes but dict"),
    Mistake("topic: None", "connected().subscribe(None)", "topic: not str or bytes but NoneType"),
    Mistake(
        "before connect",
        'MQTTClient("id", "localhost").publish("t", "x")',
        "28 ECONNOT: not connected; connect() first",
    ),
    Mistake(
        "a callback with two arguments",
        """
def on_message(topic, msg): pass
c = connected()
c.set_callback(on_message)
c.subscribe("two", qos=1)
c.publish("two", "x")
while True: c.check_msg()
""",
        "on_message() takes 2 positional arguments but 4 were given",
    ),
    Mistake("publish without a payload", 'connected().publish("t")', "publish() takes 3 positional arguments but 2"),
    Mistake(
        "publish: payload and topic swapped",
        'connected().publish("22.5 +/- 0.1", "kitchen/temperature")',
        "topic: empty, or with a wildcard, + or #",
    ),
    Mistake(
        "no check_msg",
        'c = connected()\nfor i in range(21): c.publish("t", "x", qos=1)',
        "50 EFULL: too many messages wait; call check_msg() between publishes",
    ),
    Mistake(
        "the same client_id twice",
        'c = connected("kitchen")\nother = connected("kitchen")\nwhile True: c.check_msg()',
        "1 ECONCLOSE: the broker closed the connection; its log says why. Has another client this client_id?",
    ),
    Mistake('qos="1"', 'connected().publish("t", "x", qos="1")', "qos: not an int from 0 to "),
    Mistake('keepalive="60"', 'connected(keepalive="60")', "keepalive: not an int but str"),
    Mistake(
        "a message larger than max_packet",
        """
c = connected(max_packet=1000)
got = []
c.set_callback(lambda topic, msg, retained, dup: got.append(msg))
c.subscribe("larger")
c.publish("larger", "x" * 2000)
c.publish("larger", "x")
while not got: c.check_msg()
""",
        "umqtt2: message lost: too large, see max_packet",
        "",
    ),
    Mistake(
        "a message larger than max_packet, with a status callback",
        """
c = connected(max_packet=1000)
statuses = []
c.set_callback_status(lambda pid, status: statuses.append((pid, status)))
c.subscribe("large")
c.publish("large", "x" * 2000)
while (0, 4) not in statuses: c.check_msg()
print("status 4, SOVERSIZE")
""",
        "status 4, SOVERSIZE",
    ),
    Mistake(
        "the wrong CA",
        'MQTTClient("id", "localhost", TLS, **tls(OTHER)).connect()',
        "not correctly signed by the trusted CA; cadata is not of the authority that signed it",
        "not correctly signed by the trusted CA",
    ),
    Mistake(
        "an expired certificate",
        'MQTTClient("id", "localhost", EXPIRED, **tls(CA)).connect()',
        "The certificate validity has expired; is the clock right? If so, the broker needs a new one",
        "The certificate validity has expired",
    ),
    Mistake(
        "the clock is not set",
        'MQTTClient("id", "localhost", FUTURE, **tls(CA)).connect()',
        "starts in the future; set the clock, as ntptime.settime() does",
        "The certificate validity starts in the future",
    ),
    Mistake(
        "after disconnect",
        'c = connected()\nc.disconnect()\nc.publish("t", "x")',
        "28 ECONNOT: not connected; connect() first",
    ),
    Mistake(
        "set_last_will after connect",
        'connected().set_last_will("t", "gone")',
        "umqtt2: the last will is told with the next connect()",
    ),
]
ASYNC = [
    Mistake("no await: publish", 'print(client("a").publish("t", "x"))', "<generator object 'publish' at "),
    Mistake(
        "no await: connect",
        'async def main():\n    c = client("b")\n    c.connect()\n    await c.publish("t", "x")\nasyncio.run(main())',
        "28 ECONNOT: not connected; connect() first",
    ),
    Mistake(
        "with in the place of async with",
        'async def main():\n    with client("c") as c: pass\nasyncio.run(main())',
        "has no attribute '__exit__'",
    ),
    Mistake(
        "subscribe with a QoS that has no name",
        'async def main():\n    async with client("d") as c: await c.subscribe("t", 1)\nasyncio.run(main())',
        "topic: not str or bytes but int",
    ),
    Mistake(
        "after the block",
        'async def main():\n    async with client("e") as c: pass\n    await c.publish("t", "x")\nasyncio.run(main())',
        "28 ECONNOT: not connected; connect() first",
    ),
    Mistake(
        "no TLS on a port with it, asyncio",
        'async def main():\n    async with MQTTClient("f", "localhost", TLS): pass\nasyncio.run(main())',
        "ECONNRESET: is it a port for TLS? Then ssl=True",
    ),
]
# The trees that each is run with, the sources first.
TREES = {"plain": ("source", "simple"), "async": ("source", "aio")}
TABLE = {"plain": PLAIN, "async": ASYNC}
HEADS = {
    "plain": """
import sys
from umqtt2 import MQTTClient
count = [0]
def tls(ca): return {"ssl": True, "ssl_params": {"cadata": ca}}
def connected(client_id="", **more):
    count[0] += 1
    c = MQTTClient(client_id or "id-%d" % count[0], "localhost", PLAIN, **more)
    c.set_callback(lambda topic, msg, retained, dup: None)
    c.connect()
    return c
""",
    "async": """
import asyncio, sys
from umqtt2.aio import MQTTClient
def client(client_id): return MQTTClient(client_id, "localhost", PLAIN)
""",
}
RUN = """
for program in PROGRAMS:
    try:
        exec(program)
    except Exception as e:
        sys.print_exception(e, sys.stdout)
    print(END)
"""


class Dated(Certificates):
    """With a certificate that begins tomorrow, as for a board whose clock is not set."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        now, day = datetime.now(timezone.utc), timedelta(days=1)
        self.add("future", self.authority.issue_cert("localhost", not_before=now + day, not_after=now + 9 * day))


def look(kind: str, folder: Path, broker: Mosquitto) -> dict[str, str]:
    """Make all mistakes of a kind; return the last line that each has printed.

    folder  with a tree of the package
    broker  with LISTENERS and Dated certificates
    """
    names: dict[str, object] = {name.upper(): broker.port(name) for name in ("plain", "tls", "expired", "future")}
    names["NOBODY"] = free_port()
    names["CA"], names["OTHER"] = (str(broker.certificates.der(name)) for name in ("ca", "other-ca"))
    names["PROGRAMS"] = [mistake.program for mistake in TABLE[kind]]
    names["END"] = END
    text = "".join(f"{name} = {value!r}\n" for name, value in names.items())
    output = vm.run(fetch.vm32(), folder, HEAP_KB, "-c", text + HEADS[kind] + RUN).stdout
    parts = output.split(END + "\n")
    assert len(parts) == len(TABLE[kind]) + 1, output
    return {
        mistake.what: re.sub(r":\d{4,5}\b", ":1883", part.strip().rpartition("\n")[2])
        for mistake, part in zip(TABLE[kind], parts)
    }
