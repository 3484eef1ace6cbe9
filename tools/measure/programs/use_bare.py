"""No client: a socket, and packets made beforehand. What the machine can do, with methods that allocate nothing."""

import feeder
from feeder import TOPIC

PUBLISH_0 = feeder.packet(TOPIC, 0)
PUBLISH_1 = feeder.packet(TOPIC, 1)
buf = bytearray(128)


def connect(host, port):
    sock = feeder.connected(b"bench", host, port)
    return (sock.write, sock.readinto) if hasattr(sock, "readinto") else (sock.send, sock.recv_into)


def subscribe(c, topic):
    write, read = c
    body = b"\0\1" + bytes((0, len(topic))) + topic + b"\0"
    write(bytes((0x82, len(body))) + body)
    read(buf, 5)


def qos0(c, n):
    write, _ = c
    for _ in range(n):
        write(PUBLISH_0)


def qos1(c, n, window=1):
    write, read = c
    for i in range(n):
        if i >= window:
            read(buf, 4)
        write(PUBLISH_1)
    for _ in range(min(n, window)):
        read(buf, 4)


def receive(c, n):
    _, read = c
    size = len(PUBLISH_0)
    for _ in range(n):
        read(buf, size)
