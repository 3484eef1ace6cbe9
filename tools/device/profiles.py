"""Which parts of the package make a profile. A part's module brings those below it that it imports."""

from __future__ import annotations

from tools.device.once import Once

# Parts in one file are loaded together: `import umqtt2` loads "__init__", and what stands in a file of
# its own is loaded when the client needs it. The first file has what they import, too.
CORE = {"__init__": ("client", "session.packet_ids"), "transport.tcp": ("transport.tcp",)}
TLS = {"transport.tls": ("transport.tls",)}
TEXTS = {"texts": ("texts",)}  # loaded when an exception is printed; may be deleted

PROFILES: dict[str, dict[str, tuple[str, ...]]] = {
    "core": CORE,
    "simple": {**CORE, **TLS, **TEXTS},
    "full": {
        **CORE,
        **TLS,
        **TEXTS,
        "__init__": ("client",),
        "packets.filter": ("packets.filter",),
        "streaming": ("streaming",),
        "reconnect": ("reconnect",),
        "servers": ("servers",),
        "robust": ("robust",),
        "aio": ("aio",),
        "session.qos2": ("session.packet_ids", "session.qos2"),
        "session.memory": ("session.memory",),
        "session.file": ("session.journal", "session.file"),
        "transport.stream": ("transport.stream",),
        "transport.websocket": ("transport.websocket",),
        "transport.trace": ("transport.trace",),
        "v5": ("v5",),
        "requests": ("requests",),
        "router": ("router",),
        "wifi": ("wifi",),
    },
    # MQTT 5 and nothing else.
    "simple5": {
        **CORE,
        **TLS,
        **TEXTS,
        "__init__": ("client", "session.packet_ids", "v5"),
        "requests": ("requests",),
    },
    # Nothing but MQTTException is left to `import umqtt2`.
    "aio": {
        "aio": ("session.memory", "aio"),
        "__init__": ("errno",),
        "packets.filter": ("packets.filter",),
        "transport.tcp": ("transport.tcp",),
        **TLS,
        **TEXTS,
    },
}

# Constants that a profile makes False, and arguments that go with what they switch off.
SMALL = ("HUGE", "STRICT", "FIVE", "STREAMING", "STORES", "CHECKS", "SERVERS", "NETWORKS")
SWITCHED_OFF: dict[str, tuple[str, ...]] = {
    "core": (*SMALL, "WORDS", "SHOWN", "EAGER"),
    "simple": SMALL,
    "full": ("HUGE", "STRICT"),
    "simple5": ("HUGE", "STRICT", "STREAMING", "STORES", "CHECKS", "SERVERS", "NETWORKS"),
    "aio": ("HUGE", "STRICT", "FIVE", "STREAMING", "PLAIN", "CHECKS", "SERVERS", "NETWORKS"),
}
ARGUMENTS = ("length", "five", "more", "eager", "network")
# The version of the protocol in a profile without MQTT 3.1.1.
ONLY_FIVE = ("simple5",)

# Classes whose attributes and methods are for the package alone, but for those that contracts name, and these.
INTERNAL = ("Connection", "Reconnector", "Backoff", "StreamPayload", "ChunkReceiver", "Servers", "V5")
# In these profiles the one session store, too: a program can choose its limits, and not bring one of its own.
# Nor does it look at the client's connection.
ONE_STORE = {"aio": "MemorySession"}
ONE_OBJECT = (
    "MQTTClient",
    {
        "connection": "Connection",
        "_reconnector": "Reconnector",
        "reconnector": "Reconnector",
        "backoff": "Backoff",
    },
    ("_client",),
)
# What is loaded for one call, from files of their own: what no message passes, and what may fail for want of memory.
ONCE = {
    "aio": (
        Once("start", ("MQTTClient.__init__",)),
        Once("connect", ("MQTTClient._prepare", "start_connection", "Connection.start")),
        Once("open", ("TCPTransport.opening",)),
        Once("subscribe", ("MQTTClient._wishes",)),
        Once("end", ("Reconnector._remember", "Backoff.pause_ms")),
    )
}
# A generator holds what has called it last, and so the file: it is started here.
RESIDENT = frozenset(["_start_decoder"])
WITH_ONE_STORE = {"connection", "cbconnection"}
# One more name of these makes the VM begin another table, of 608 bytes, for a program with few names of its own.
NAMES_FULL = ("simple",)
EXTENSION_POINTS = {"request", "hand_over"}  # of the client, for the other clients
DECODED = {"pid"}  # what the decoder leaves with the Connection
DOCUMENTED = {"code", "rewind", "state", "properties", "reply", "reason", "aliases"}
STILL_DOCUMENTED = {"waiting", "state"}  # with one store
NO_SUBCLASS = ("V5", "Topic")  # classes of which no program makes one

# What a program may import by name, besides MQTTClient and MQTTException, from where it stands in the
# source. Where that was merged into another file, a file of a few bytes fetches it from there.
PUBLIC: dict[str, tuple[str, ...]] = {
    "transport.tcp": ("TCPTransport",),
    "transport.tls": ("TLSTransport",),
    "transport.websocket": ("WebSocketTransport",),
    "transport.stream": ("StreamTransport",),
    "transport.trace": ("TraceTransport", "PacketLines"),
    "session.packet_ids": ("PacketIdSession",),
    "streaming": ("StreamPayload", "ChunkReceiver"),
    "session.qos2": ("QoS2Session",),
    "session.memory": ("MemorySession",),
    "session.file": ("FileSession",),
    "packets.filter": ("matches",),
    "v5": ("V5", "Topic", "Options"),
    "requests": ("Requests",),
    "router": ("Router",),
    "wifi": ("Wifi", "opener"),
    "servers": ("Servers",),
}
