"""What is measured: on which machine, for which clients, and how it is called."""

from __future__ import annotations

from typing import NamedTuple

MICROPYTHON, CPYTHON, ASYNCIO = "micropython", "cpython", "asyncio"  # the last one is CPython, too
TASKS_ON_VM = "tasks on the VM"  # MicroPython, with clients for programs that do several things at once
ONE_CORE = "one_core"
IDLE = "idle"

MEASURES = {
    "qos0": "QoS 0 publishes/s",
    "qos1": "QoS 1 round trips/s",
    ONE_CORE: "QoS 1 round trips/s, broker on the same core",
    "burst": "QoS 1 publishes/s, 10 in flight",
    "receive": "messages received/s",
    "receive1": "messages received at QoS 1/s",
    "echo": "messages answered at QoS 1/s",
    "tasks": "QoS 1 publishes/s, 20 tasks at once",
    "connect": "connections/s",
    IDLE: "wake-ups/s while idle, keepalive 10 s",
}
WITH_HEAP = ["simple", "simple2", "umqtt2"]


class Figure(NamedTuple):
    """One figure to find out, and for whom; the clients take turns in this order."""

    machine: str
    measure: str
    clients: list[str]
    loop: str = ""  # the measured loop, if its name differs from the measure's
    once: bool = False  # in the first round alone, as it takes long


ASYNC_CLIENTS = ["aiomqtt", "gmqtt", "aio"]
VM_CLIENTS = ["aiomqttc", "chumicro", "aio"]

# umqtt.simple waits for each acknowledgement, so it knows no burst. paho's thread would receive messages
# while they are still being queued up, so that their time cannot be told; it reads them as loop() does.
FIGURES = [
    Figure(MICROPYTHON, "qos0", ["bare", "simple", "simple2", "umqtt2"]),
    Figure(MICROPYTHON, "qos1", ["bare", "simple", "simple2", "umqtt2"]),
    Figure(MICROPYTHON, ONE_CORE, ["bare", "simple", "simple2", "umqtt2"], "qos1"),
    Figure(MICROPYTHON, "burst", ["bare", "simple2", "umqtt2"]),
    Figure(MICROPYTHON, "receive", ["bare", "simple", "simple2", "umqtt2"]),
    Figure(TASKS_ON_VM, "qos0", VM_CLIENTS),
    Figure(TASKS_ON_VM, "qos1", VM_CLIENTS),
    Figure(TASKS_ON_VM, "receive", VM_CLIENTS),
    Figure(CPYTHON, "qos0", ["bare", "paho", "paho_thread", "umqtt2"]),
    Figure(CPYTHON, "qos1", ["bare", "paho", "paho_thread", "umqtt2"]),
    Figure(CPYTHON, ONE_CORE, ["bare", "paho", "paho_thread", "umqtt2"], "qos1"),
    Figure(CPYTHON, "burst", ["bare", "paho", "paho_thread", "umqtt2"]),
    Figure(CPYTHON, "receive", ["bare", "paho", "umqtt2"]),
    Figure(ASYNCIO, "connect", ASYNC_CLIENTS),
    Figure(ASYNCIO, "qos0", ASYNC_CLIENTS),
    Figure(ASYNCIO, "qos1", ASYNC_CLIENTS),
    Figure(ASYNCIO, "tasks", ASYNC_CLIENTS),
    Figure(ASYNCIO, "receive", ASYNC_CLIENTS),
    Figure(ASYNCIO, "receive1", ASYNC_CLIENTS),
    Figure(ASYNCIO, "echo", ASYNC_CLIENTS),
    Figure(ASYNCIO, IDLE, ASYNC_CLIENTS, once=True),
]
