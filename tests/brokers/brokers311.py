"""The brokers that the scenarios of MQTT 3.1.1 run against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools import fetch
from tools.testkit import other_brokers as brokers
from tools.testkit.activemq import ActiveMQ
from tools.testkit.broker import HOST
from tools.testkit.ejabberd import Ejabberd
from tools.testkit.mosquitto import PlainMosquitto, hashed
from tools.testkit.other_brokers import PASSWORD, USER
from tools.testkit.ports import free_ports
from tools.testkit.rabbitmq import RabbitMQ

SMALL = ("nats", "rumqttd")  # those of `make test`
FORGET = ("rumqttd", "aedes", "ejabberd", "activemq")  # their sessions are gone, or said to be, when they restart
LOSE = (*FORGET, "amqtt")  # what they have taken may be lost
RULES = ("mosquitto", "nats", "aedes", "ejabberd", "activemq")  # they are told to refuse `forbidden/`

@dataclass(frozen=True)
class Short:
    """What a broker is tried with in `make test`, of many messages: what it keeps.

    qos         of the messages
    restart     it has its sessions when it restarts
    forgivable  the faults that it may make at any time
    clients     machines and clients
    """

    qos: tuple[int, ...] = (1, 2)
    restart: bool = True
    forgivable: tuple[str, ...] = ()
    clients: tuple[tuple[str, str], ...] = (("vm32", "memory"), ("vm32", "asyncio"))


KEEPS = {
    "mosquitto": Short(clients=(("vm32", "memory"), ("vm32", "file"), ("vm32", "asyncio"), ("cpython", "memory"))),
    # What it had sent it repeats after what came meanwhile, with other packet identifiers, and after `ack_wait`.
    "nats": Short(forgivable=("order", "doubled"), clients=(("vm32", "memory"),)),
    "rumqttd": Short(qos=(1,), restart=False),
}


class MosquittoAll(PlainMosquitto):
    """mosquitto with all listeners: the one that most machines have, whatever this one has."""

    path = "/mqtt"

    def __init__(self, folder: Path, certificates: Callable[[str], str]) -> None:
        """See OtherBroker."""
        folder.mkdir(parents=True, exist_ok=True)
        ws, tls = free_ports(2)
        lines = [f"password_file {folder / 'users'}", f"acl_file {folder / 'acl'}", "max_queued_messages 2000"]
        lines += ["persistence true", f"persistence_location {folder}/"]
        lines += [f"listener {ws} {HOST}", "protocol websockets", f"listener {tls} {HOST}"]
        lines += [f"certfile {certificates('server')}", f"keyfile {certificates('server-key')}"]
        super().__init__(folder, *lines, program=fetch.mosquitto_stable)
        self.ports = {"ws": ws, "tls": tls}
        (folder / "users").write_text(f"{USER}:{hashed(PASSWORD)}\n")
        topics = ("readwrite #", "readwrite $umqtt2/#", "deny forbidden/#")
        (folder / "acl").write_text(f"user {USER}\n" + "".join(f"topic {one}\n" for one in topics))


class RabbitMQAll(RabbitMQ):
    """RabbitMQ with all listeners."""

    path = "/ws"

    def __init__(self, folder: Path, certificates: Callable[[str], str]) -> None:
        """See OtherBroker."""
        (tls,) = free_ports(1)
        super().__init__(
            folder,
            f"mqtt.listeners.ssl.1 = {HOST}:{tls}",
            f"ssl_options.certfile = {certificates('server')}",
            f"ssl_options.keyfile = {certificates('server-key')}",
            users={USER: PASSWORD},
        )
        self._tls_port = tls

    @property
    def ports(self) -> dict[str, int]:
        """See OtherBroker."""
        return {"ws": self.web_port, "tls": self._tls_port}


BROKERS = {
    "mosquitto": MosquittoAll,
    "nats": brokers.Nats,
    "rumqttd": brokers.Rumqttd,
    "aedes": brokers.Aedes,
    "amqtt": brokers.Amqtt,
    "rabbitmq": RabbitMQAll,
    "ejabberd": Ejabberd,
    "activemq": ActiveMQ,
}
