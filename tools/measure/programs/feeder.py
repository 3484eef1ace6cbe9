"""A second connection, which queues messages up for the client that is measured."""

import socket

TOPIC = b"bench/topic"
MSG = b"0123456789abcdef0123456789abcdef"
WINDOW = 10  # messages in flight in a burst
CONNACK, PINGRESP, PUBACK = 4, 2, 4  # bytes


def packet(topic: bytes, qos: int) -> bytes:
    """Return the PUBLISH that every client here sends, as bytes."""
    pid = b"\0\1" if qos else b""
    body = bytes((0, len(topic))) + topic + pid + MSG
    return bytes((0x30 | qos << 1, len(body))) + body


def connect_packet(name: bytes) -> bytes:
    """Return a CONNECT for a clean session."""
    body = b"\0\4MQTT\4\2\0\0" + bytes((0, len(name))) + name
    return bytes((0x10, len(body))) + body


def connected(name: bytes, host: str, port: int) -> socket.socket:
    """Return a socket that is connected to the broker as client `name`."""
    address = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0][-1]
    sock = socket.socket()
    sock.connect(address)
    sock.setsockopt(6, 1, 1)  # IPPROTO_TCP, TCP_NODELAY: MicroPython has no names for them everywhere
    sock.send(connect_packet(name))
    sock.recv(CONNACK)
    return sock


class Feeder:
    """Publishes to `topic`, at QoS 0 or 1."""

    def __init__(self, host: str, port: int, topic: bytes, qos: int = 0) -> None:
        self.sock = connected(b"feeder", host, port)
        self.one = packet(topic, qos)
        self.answer = PUBACK if qos else 0

    def feed(self, n: int) -> None:
        """Publish `n` messages, and return when the broker has them all."""
        for _ in range(n):
            self.sock.send(self.one)
        self.sock.send(b"\xc0\0")
        left = PINGRESP + self.answer * n
        while left:
            left -= len(self.sock.recv(left))
