"""Ports that are free."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tools.testkit.ports import free_port, free_ports

MANY = 300  # of each: of the ports that a system gives, there are some that both get, if nobody looks


@pytest.fixture(params=["::1", "127.0.0.1"])
def used(request: pytest.FixtureRequest) -> Iterator[set[int]]:
    """Ports that are in use at one address of this machine."""
    with ExitStack() as stack:
        ports = set()
        for _ in range(MANY):
            sock = stack.enter_context(socket.socket(socket.AF_INET6 if ":" in request.param else socket.AF_INET))
            try:
                sock.bind((request.param, 0))
            except OSError:
                pytest.skip(f"this machine has no {request.param}")
            ports.add(sock.getsockname()[1])
        yield ports


def test_a_port_in_use_at_any_address_is_not_free(used: set[int]) -> None:
    ports = free_ports(MANY)
    assert len(set(ports)) == MANY
    assert not used & set(ports)


def test_a_free_port_can_be_used_at_each_address() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        if socket.has_dualstack_ipv6():
            with socket.socket(socket.AF_INET6) as sock:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                sock.bind(("::", port))
