"""MQTT 3.1.1 with any broker: each scenario is a function that returns what the broker does, "yes" for what the
standard says. Its clients are umqtt2's, in a program on CPython or on the VM, or paho's, to see who is at fault.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.brokers.remote import Raised
from umqtt2.errno import ECONAUTH, ECONPROTOCOL, ECONUNKNOWN

LARGE = 1 << 20


class World:
    """One scenario's clients, which have the methods of programs/remote.py.

    prefix  of all topics but those that begin with "/", which is not part of them
    """

    def __init__(self, prefix: str, make: Callable[..., Any]) -> None:
        """make: gives a client for its number, prefix, identifier and other options"""
        self.prefix = prefix
        self._make = make
        self._clients: list[Any] = []

    def client(self, name: str = "a", **options: Any) -> Any:
        """A client that is not connected. `options`: keepalive, password, over (ws, tls), chunks."""
        client_id = self.prefix.replace("/", "-") + name if name else ""
        self._clients.append(self._make(len(self._clients), self.prefix, client_id, **options))
        return self._clients[-1]

    def connected(self, name: str = "a", clean: bool = True, eager: bool = False, **options: Any) -> Any:
        """A client that is connected."""
        client = self.client(name, **options)
        client.connect(clean, eager)
        return client

    def play(self, scenario: Callable[[World], str]) -> str:
        """Run a scenario, and return what the broker does."""
        try:
            return scenario(self)
        except Raised as error:
            return f"raised {error}"
        finally:
            for client in self._clients:
                client.cut()


SCENARIOS: dict[str, Callable[[World], str]] = {}
SECTIONS: dict[str, str] = {}  # of MQTT 3.1.1 that say what a broker has to do; "" where none does
# These take some seconds without using them: not in `make test`.
SLOW = ("payload_1_mb", "idle", "falls_silent", "shared_subscription")


def scenario(section: str, name: str = "", *arguments: Any) -> Callable[[Callable[..., str]], Callable[..., str]]:
    """Make a function a scenario, or several, each with its name and arguments."""

    def add(function: Callable[..., str]) -> Callable[..., str]:
        SECTIONS[name or function.__name__] = section
        SCENARIOS[name or function.__name__] = lambda world: function(world, *arguments)
        return function

    return add


def payloads(messages: list[list[Any]]) -> list[str]:
    return [message[1] for message in messages]


def compare(messages: list[list[Any]], wanted: list[str], in_order: bool = True) -> str:
    """What has become of messages."""
    found = payloads(messages)
    if found == wanted or not in_order and sorted(found) == sorted(wanted):
        return "yes"
    lost = sum(one not in found for one in wanted)
    said = []
    if lost:
        said.append(f"{lost} of {len(wanted)} lost")
    if len(found) > len(wanted) - lost:
        said.append(f"{len(found) - len(wanted) + lost} too many")
    return ", ".join(said) or "in another order"


def connack(error: Raised) -> int:
    """The code of the CONNACK that refused a connection; 0 when there was none."""
    return error.args[0] - ECONUNKNOWN if error.args[0] in range(ECONPROTOCOL, ECONAUTH + 1) else 0


def ended(client: Any) -> str:
    """How a client is refused something without an answer."""
    return "no answer" if client.is_connected() else "closes"


@scenario("3.2.2.2")
def session_present(w: World) -> str:
    first = w.client()
    flags = [first.connect(False)]
    first.subscribe("t", 1)
    first.disconnect()
    for _ in range(2):
        again = w.client()
        flags.append(again.connect(False))
        again.disconnect()
    return "yes" if flags == [False, True, True] else f"flags {', '.join(str(int(flag)) for flag in flags)}"


@scenario("3.1.2.4", "absence_qos_2", 2)
@scenario("3.1.2.4", "absence_qos_1", 1)
def absence(w: World, qos: int) -> str:
    a = w.connected(clean=False)
    granted = a.subscribe("t", qos)
    a.disconnect()
    b = w.connected("b")
    wanted = [str(i) for i in range(5)]
    for payload in wanted:
        b.publish("t", payload, qos)
    said = compare(w.connected(clean=False).collect(len(wanted)), wanted)
    return said if granted == qos else f"as QoS {granted}: {said}"


@scenario("3.2.2.3")
def wrong_password(w: World) -> str:
    try:
        w.connected(password="wrong")
    except Raised as error:
        code = connack(error)
        return "yes" if code in (4, 5) else f"code {code}" if code else "closes without a code"
    return "accepts it"


@scenario("3.14.4", "no_will_after_disconnect", "disconnect", [])
@scenario("3.1.2.5", "last_will", "cut", ["gone"])
def will(w: World, leave: str, wanted: list[str]) -> str:
    b = w.connected("b")
    b.subscribe("will", 1)
    a = w.client()
    a.set_will("will", "gone")
    a.connect()
    getattr(a, leave)()
    return compare(b.collect(len(wanted)), wanted)


@scenario("3.3.1.3")
def retained(w: World) -> str:
    a = w.connected()
    a.publish("r/1", "one", 1, True)
    a.publish("r/2", "two", 1, True)
    said = []
    b = w.connected("b")
    b.subscribe("r/1", 1)
    found = b.collect(1)
    if not found:
        said.append("not delivered")
    elif not found[0][2]:
        said.append("no RETAIN flag")
    c = w.connected("c")
    c.subscribe("r/+", 1)
    if sorted(payloads(c.collect(2, 5))) != ["one", "two"]:
        said.append("not by wildcard")
    a.publish("r/1", "", 1, True)
    d = w.connected("d")
    d.subscribe("r/1", 1)
    if d.collect(0):
        said.append("not cleared")
    return ", ".join(said) or "yes"


@scenario("4.3")
def qos_pairs(w: World) -> str:
    a, b = w.connected(), w.connected("b")
    said = []
    for own in range(3):
        topic = f"q{own}"
        granted = b.subscribe(topic, own)
        if granted != own:
            said.append(f"QoS {own} granted as {granted}")
        for qos in range(3):
            try:
                a.publish(topic, str(qos), qos)
            except Raised:
                said.append(f"QoS {qos} is not acknowledged")
        found = compare(b.collect(3), ["0", "1", "2"], in_order=False)
        if found != "yes":
            said.append(f"subscribed with {own}: {found}")
    return ", ".join(said) or "yes"


@scenario("3.10.4")
def unsubscribe(w: World) -> str:
    a = w.connected()
    a.subscribe("t", 1)
    a.publish("t", "1")
    before = payloads(a.collect(1))
    a.unsubscribe("t")
    a.publish("t", "2")
    return "yes" if before == ["1"] and not a.collect(0) else "no"


@scenario("3.9.3")
def refused_subscription(w: World) -> str:
    a = w.connected()
    try:
        granted = a.subscribe(f"/forbidden/{w.prefix}/t", 1)
    except Raised:
        return ended(a)
    a.subscribe("t", 1)
    return "yes" if granted == 128 else f"granted as {granted}"


@scenario("3.3.3")
def payload_7_kb(w: World) -> str:
    a = w.connected()
    a.subscribe("t", 1)
    wanted = bytes(range(256)) * 28
    a.publish("t", wanted)
    return compare(a.collect(1), [repr(wanted)])


@scenario("3.3.3")
def payload_1_mb(w: World) -> str:
    b = w.connected("b", chunks="t")
    b.subscribe("t", 1)
    w.connected().publish_zeros("t", LARGE)
    return compare(b.collect(1, 60), [f"{LARGE} zeros"])


@scenario("3.1.2.10")
def idle(w: World) -> str:
    a = w.connected(keepalive=2)
    try:
        a.idle(6500)
    except Raised:
        return "closes"
    return "yes" if a.is_connected() else "closes"


@scenario("3.1.3.1", "empty_identifier", {"name": ""})
@scenario("3.1.2.10", "keepalive_0", {"keepalive": 0})
def taken(w: World, options: dict[str, Any]) -> str:
    try:
        a = w.connected(**options)
    except Raised as error:
        code = connack(error)
        return f"refuses it: {code}" if code else "closes without a code"
    a.subscribe("t", 1)
    a.publish("t", "1")
    return compare(a.collect(1), ["1"])


@scenario("3.1.2.10")
def falls_silent(w: World) -> str:
    b = w.connected("b")
    b.subscribe("will", 1)
    a = w.client(keepalive=1)
    a.set_will("will", "gone")
    a.connect()
    return "yes" if payloads(b.collect(1, 30)) == ["gone"] else "no last will"


@scenario("4.7.3")
def utf8_topics(w: World) -> str:
    a = w.connected()
    topic = "Küche/温度/😀 x"
    try:
        a.subscribe(topic, 1)
        a.publish(topic, "1")
    except Raised:
        return ended(a)
    found = a.collect(1)
    if not found:
        return "not delivered" if a.is_connected() else "closes"
    return "yes" if found[0][0] == topic else f"as {found[0][0]!r}"


@scenario("4.7.2")
def hash_and_dollar(w: World) -> str:
    b = w.connected("b")
    b.subscribe("/#", 0)
    b.subscribe(f"/+/{w.prefix}/t", 0)
    b.collect(0)
    w.connected().publish(f"/$umqtt2/{w.prefix}/t", "1", 0)
    found = sorted({message[0].split("/")[0] for message in b.collect(0) if message[0].startswith("$")})
    return f"receives {', '.join(found)}" if found else "yes"


@scenario("")
def shared_subscription(w: World) -> str:
    a, b, c = w.connected(), w.connected("b"), w.connected("c")
    for one in (a, b):
        try:
            if one.subscribe(f"/$share/g/{w.prefix}/t", 1) == 128:
                return "refuses it"
        except Raised:
            return ended(one)
    for i in range(6):
        c.publish("t", str(i))
    came = len(a.collect(6, 3) + b.collect(6, 3))
    return "yes" if came == 6 else f"takes it, delivers {came} of 6" if came < 6 else "to all"


@scenario("3.8.4")
def subscriptions_50(w: World) -> str:
    a = w.connected()
    for i in range(50):
        if a.subscribe(f"s/{i}", 1) != 1:
            return f"the {i + 1}th is refused"
    b = w.connected("b")
    for i in range(50):
        b.publish(f"s/{i}", str(i))
    return compare(a.collect(50), [str(i) for i in range(50)], in_order=False)


@scenario("4.3.3", "unread_100_qos_2", 2)
@scenario("4.3.2", "unread_100_qos_1", 1)
def unread(w: World, qos: int) -> str:
    a, b = w.connected(), w.connected("b")
    granted = a.subscribe("t", qos)
    wanted = [str(i) for i in range(100)]
    for payload in wanted:
        b.publish("t", payload, qos)
    said = compare(a.collect(100), wanted)
    return said if granted == qos else f"as QoS {granted}: {said}"


@scenario("", "tls", "tls")
@scenario("6", "websocket", "ws")
def over(w: World, kind: str) -> str:
    try:
        a = w.connected(over=kind)
    except KeyError:  # there is no port
        return "not offered"
    a.subscribe("t", 1)
    wanted = ["x", "y" * 3000]
    for payload in wanted:
        a.publish("t", payload)
    return compare(a.collect(2), wanted)


@scenario("3.1.4")
def take_over(w: World) -> str:
    a, b = w.connected(), w.connected()
    try:
        a.idle(20000)
        return "both stay"
    except Raised:
        b.subscribe("t", 1)
        b.publish("t", "1")
        return compare(b.collect(1), ["1"])


@scenario("3.1.4")
def eager(w: World) -> str:
    b = w.connected("b")
    b.subscribe("t", 1)
    a = w.connected(eager=True)
    granted = a.subscribe("own", 1)
    a.publish("t", "1")
    return compare(b.collect(1), ["1"]) if granted == 1 else f"granted {granted}"
