"""No client: a socket, and packets made beforehand. What the machine can do."""

import feeder
from feeder import TOPIC, WINDOW

PUBLISH_0 = feeder.packet(TOPIC, 0)
PUBLISH_1 = feeder.packet(TOPIC, 1)


class Bare:
    """Reads and writes with the methods that allocate nothing, on MicroPython and on CPython."""

    def __init__(self, host, port):
        sock = feeder.connected(b"bench", host, port)
        self.buf = bytearray(128)
        if hasattr(sock, "readinto"):
            self.write = sock.write
            self.readinto = sock.readinto
        else:
            self.write = sock.send
            self.readinto = sock.recv_into
        self.sock = sock


def connect(host, port):
    return Bare(host, port)


def subscribe(c, topic):
    body = b"\0\1" + bytes((0, len(topic))) + topic + b"\0"
    c.write(bytes((0x82, len(body))) + body)
    c.readinto(c.buf, 5)


def qos0(c, n):
    write = c.write
    for _ in range(n):
        write(PUBLISH_0)


def qos1(c, n):
    write = c.write
    read = c.readinto
    buf = c.buf
    for _ in range(n):
        write(PUBLISH_1)
        read(buf, 4)


def burst(c, n):
    write = c.write
    read = c.readinto
    buf = c.buf
    for i in range(n):
        if i >= WINDOW:
            read(buf, 4)
        write(PUBLISH_1)
    for _ in range(min(n, WINDOW)):
        read(buf, 4)


def receive(c, n):
    read = c.readinto
    buf = c.buf
    size = len(PUBLISH_0)
    for _ in range(n):
        read(buf, size)
