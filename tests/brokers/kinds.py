"""The brokers that the scenarios run against, and what is known of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools import fetch
from tools.testkit.broker import Broker
from tools.testkit.mosquitto import PlainMosquitto, hashed
from tools.testkit.rabbitmq import RabbitMQ

USER, PASSWORD = "device", "a secret"
READER = "reader"  # with its own name as its password; it may not publish
LARGEST = 20_000  # bytes of a packet that the broker takes
IN_FLIGHT = 10  # messages that it takes at a time, where that can be set
ACL = f"topic readwrite #\nuser {USER}\ntopic readwrite #\nuser {READER}\ntopic read #\n"


@dataclass(frozen=True)
class Kind:
    """A broker. What it does otherwise than others stands here, so that the tests say when that changes.

    make           makes one, with its files in a folder
    no_password    reason code for a wrong password
    qos            the highest
    in_flight      its Receive Maximum
    keepalive      its Server Keep Alive for a client that asks for more
    shared         whether it has shared subscriptions
    leaves         reason code of its DISCONNECT when it is stopped; None: it closes without
    silent         the same for a client from which nothing comes
    closes         it closes for a message that may not be published, and says nothing
    keeps_empty    it resumes sessions without subscriptions
    by_options     a subscription with other options is a new one
    """

    make: Callable[[Path], Broker]
    no_password: int
    qos: int = 2
    in_flight: int = 65535
    keepalive: int | None = None
    shared: bool = True
    leaves: int | None = None
    silent: int | None = None
    closes: bool = False
    keeps_empty: bool = True
    by_options: bool = False


def mosquitto(program: Callable[[], Path]) -> Callable[[Path], Broker]:
    """A maker of mosquittos."""

    def make(folder: Path) -> Broker:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "users").write_text("".join(f"{n}:{hashed(p)}\n" for n, p in ((USER, PASSWORD), (READER, READER))))
        (folder / "acl").write_text(ACL)
        return PlainMosquitto(
            folder,
            f"password_file {folder / 'users'}",
            f"acl_file {folder / 'acl'}",
            f"max_inflight_messages {IN_FLIGHT}",
            f"max_packet_size {LARGEST}",
            "max_keepalive 10",
            "log_type all",
            program=program,
        )

    return make


def rabbitmq(folder: Path) -> Broker:
    """Make a RabbitMQ."""
    return RabbitMQ(
        folder,
        f"mqtt.max_packet_size_authenticated = {LARGEST}",
        f"mqtt.max_packet_size_unauthenticated = {LARGEST}",
        f"mqtt.prefetch = {IN_FLIGHT}",
        "mqtt.max_session_expiry_interval_seconds = infinity",
        users={USER: PASSWORD, READER: READER},
        writes={READER: "^nothing$"},
    )


KINDS = {
    "mosquitto-stable": Kind(mosquitto(fetch.mosquitto_stable), no_password=0x87, in_flight=IN_FLIGHT, keepalive=10),
    "mosquitto-newest": Kind(mosquitto(fetch.mosquitto_newest), no_password=0x87, in_flight=IN_FLIGHT, keepalive=10),
    "rabbitmq": Kind(
        rabbitmq,
        no_password=0x86,
        qos=1,
        shared=False,
        silent=0x8D,
        closes=True,
        keeps_empty=False,
        by_options=True,
    ),
}
