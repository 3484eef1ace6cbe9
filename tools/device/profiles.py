"""Which parts of the package make a profile. A part's module brings those below it that it imports."""

from __future__ import annotations

# Parts in one file are loaded together: `import umqtt2` loads "__init__", and what stands in a file of
# its own is loaded when the client needs it.
CORE = {"__init__": ("client",), "transport.tcp": ("transport.tcp",)}
TLS = {"transport.tls": ("transport.tls",)}

PROFILES: dict[str, dict[str, tuple[str, ...]]] = {
    "core": CORE,
    "simple": {**CORE, **TLS},
    "full": {
        **CORE,
        **TLS,
        "__init__": ("delivery",),
        "pieces": ("packets.filter", "pieces"),
        "robust": ("robust",),
        "aio": ("aio",),
        "session.memory": ("session.memory",),
        "session.file": ("session.journal", "session.file"),
        "transport.stream": ("transport.stream",),
        "transport.websocket": ("transport.websocket",),
    },
}

# What a program may import by name, besides MQTTClient and MQTTException, from where it stands in the
# source. Where that was merged into another file, a file of a few bytes fetches it from there.
PUBLIC: dict[str, tuple[str, ...]] = {
    "transport.tcp": ("TCPTransport",),
    "transport.tls": ("TLSTransport",),
    "transport.websocket": ("WebSocketTransport",),
    "transport.stream": ("StreamTransport",),
    "session.pids": ("PidSession",),
    "pieces": ("Source", "Receiver"),
    "session.exact": ("ExactSession",),
    "session.memory": ("MemorySession",),
    "session.file": ("FileSession",),
}
