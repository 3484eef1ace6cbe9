"""Which parts of the package make a profile. A part's module brings those below it that it imports."""

from __future__ import annotations

# The modules that a program cannot reach from `client` by an import at the top of a file.
PROFILES: dict[str, tuple[str, ...]] = {
    "core": ("client", "transport.tcp"),
    "simple": ("client", "transport.tcp", "transport.tls"),
    "full": ("client", "transport.tcp", "transport.tls"),
}

# What a program may import by name, besides MQTTClient and MQTTException, from where it stands in the
# source. Where the profile has it, a file that costs nothing until then fetches it from the merged module.
PUBLIC: dict[str, tuple[str, ...]] = {
    "transport.tcp": ("TCPTransport",),
    "transport.tls": ("TLSTransport",),
    "session.pids": ("PidSession",),
}
