"""Ports for servers on this machine."""

from __future__ import annotations

import socket
from contextlib import ExitStack


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses at any address of this machine, IPv4 or IPv6, all different."""
    with ExitStack() as stack:
        return [stack.enter_context(_bound()).getsockname()[1] for _ in range(count)]


def free_port() -> int:
    """A port that nobody uses."""
    return free_ports(1)[0]


def _bound() -> socket.socket:
    # Bound to all addresses, but not listening: what is bound to one of them is in the way.
    if socket.has_dualstack_ipv6():
        sock = socket.socket(socket.AF_INET6)
        try:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            sock.bind(("::", 0))
            return sock
        except OSError:  # IPv6 is switched off
            sock.close()
    sock = socket.socket()
    sock.bind(("", 0))
    return sock
