"""The brokers that the scenarios run against, and what is known of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tools import fetch
from tools.testkit.broker import Broker
from tools.testkit.mosquitto import PASSWORD, USER, PlainMosquitto, hashed
from tools.testkit.other_brokers import OtherBroker
from tools.testkit.rabbitmq import READER, RabbitMQ

LARGEST = 20_000  # bytes of a packet that the broker takes
IN_FLIGHT = 10  # messages that it takes at a time, where that can be set
ACL = f"topic readwrite #\nuser {USER}\ntopic readwrite #\nuser {READER}\ntopic read #\n"


@dataclass(frozen=True)
class Kind311:
    """A broker that speaks MQTT 3.1.1, and what it does wrong.

    rules       it is told to refuse `forbidden/`
    forgets     its sessions are gone, or said to be, when it restarts
    loses       what it has taken may be lost
    unstable    scenarios in which it errs only now and then
    qos         of many messages in `make test`, where these are what it keeps:
    restart     whether it restarts there
    forgivable  the faults that it may make there at any time
    clients     machines and clients there; none where it is not in `make test`
    """

    rules: bool = False
    forgets: bool = False
    loses: bool = False
    unstable: tuple[str, ...] = ()
    qos: tuple[int, ...] = (1, 2)
    restart: bool = True
    forgivable: tuple[str, ...] = ()
    clients: tuple[tuple[str, str], ...] = ()


def broker_311(name: str, folder: Path, certificates: Callable[[str], str]) -> Broker:
    """One of KINDS_311, with its files in a folder, and the certificate that a function gives."""
    if name == "rabbitmq":
        return RabbitMQ(folder, certificates=certificates)
    return OtherBroker(name, folder, certificates)


KINDS_311 = {
    "mosquitto": Kind311(
        rules=True,
        clients=(("vm32", "memory"), ("vm32", "file"), ("vm32", "asyncio"), ("cpython", "memory")),
    ),
    # What it had sent it repeats after what came meanwhile, with other packet identifiers, and after `ack_wait`.
    "nats": Kind311(rules=True, forgivable=("order", "doubled"), clients=(("vm32", "memory"),)),
    "rumqttd": Kind311(
        forgets=True,
        loses=True,
        qos=(1,),
        restart=False,
        clients=(("vm32", "memory"), ("vm32", "asyncio")),
    ),
    "aedes": Kind311(rules=True, forgets=True, loses=True),
    "amqtt": Kind311(loses=True, unstable=("qos_pairs", "falls_silent", "take_over")),
    "rabbitmq": Kind311(),
    "ejabberd": Kind311(rules=True, forgets=True, loses=True),
    "activemq": Kind311(rules=True, forgets=True, loses=True),
}


@dataclass(frozen=True)
class Kind5:
    """One that speaks MQTT 5. What it does otherwise than others stands here, so that the tests say when that changes.

    make           makes one, with its files in a folder
    no_password    reason code for a wrong password
    qos            the highest
    in_flight      its Receive Maximum
    keepalive      its Server Keep Alive for a client that asks for more
    shared         whether it has shared subscriptions
    silent         reason code of its DISCONNECT for a client from which nothing comes; None: it closes without
    closes         it closes for a message that may not be published, and says nothing
    keeps_empty    it resumes sessions without subscriptions
    by_options     a subscription with other options is a new one
    """

    make: Callable[[Path], Broker]
    no_password: int = 0x87
    qos: int = 2
    in_flight: int = IN_FLIGHT
    keepalive: int | None = 10
    shared: bool = True
    silent: int | None = None
    closes: bool = False
    keeps_empty: bool = True
    by_options: bool = False


def mosquitto(program: Callable[[], Path], folder: Path) -> Broker:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "users").write_text("".join(f"{n}:{hashed(p)}\n" for n, p in ((USER, PASSWORD), (READER, READER))))
    (folder / "acl").write_text(ACL)
    limits = (f"max_inflight_messages {IN_FLIGHT}", f"max_packet_size {LARGEST}", "max_keepalive 10", "log_type all")
    files = (f"password_file {folder / 'users'}", f"acl_file {folder / 'acl'}")
    return PlainMosquitto(folder, *files, *limits, program=program)


def rabbitmq(folder: Path) -> Broker:
    limits = [f"mqtt.max_packet_size_{who}authenticated = {LARGEST}" for who in ("", "un")]
    limits += [f"mqtt.prefetch = {IN_FLIGHT}", "mqtt.max_session_expiry_interval_seconds = infinity"]
    return RabbitMQ(folder, *limits)


KINDS_5 = {
    "mosquitto-stable": Kind5(partial(mosquitto, fetch.mosquitto_stable)),
    "mosquitto-newest": Kind5(partial(mosquitto, fetch.mosquitto_newest)),
    "rabbitmq": Kind5(
        rabbitmq,
        no_password=0x86,
        qos=1,
        in_flight=65535,
        keepalive=None,
        shared=False,
        silent=0x8D,
        closes=True,
        keeps_empty=False,
        by_options=True,
    ),
}
NAMES = list(dict.fromkeys([*KINDS_311, *KINDS_5]))
