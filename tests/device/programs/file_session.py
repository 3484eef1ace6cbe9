"""A FileSession on the file systems of a board: loss of power at every write to the flash, what a message
costs there, the heap that it takes, and a program that is killed."""

import gc
import json
import os

from umqtt2 import MQTTException
from umqtt2.session import file
from umqtt2.session.file import FileSession
from umqtt2.session.memory import MemorySession

try:
    import vfs
except ImportError:
    vfs = os  # MicroPython 1.22

BLOCK = 512
QOS_1, QOS_2 = 0x32, 0x34
PUBREC, PUBREL, SUBSCRIBE, SUBACK = 0x50, 0x62, 0x82, 0x90
PAYLOAD = b"0123456789abcdef0123456789abcdef"


class PowerLoss(BaseException):
    pass


class Flash:
    """A block device in a file of the machine."""

    def __init__(self, path, blocks):
        self.blocks = blocks
        self.file = open(path, "r+b")
        self.power = -1  # writes until it fails
        self.off = False
        self.written = self.erased = 0

    def readblocks(self, block, buf, offset=0):
        if self.off:
            return
        self.file.seek(block * BLOCK + offset)
        self.file.readinto(buf)

    def writeblocks(self, block, buf, offset=0):
        if self.off:
            return
        if not self.power:
            self.off = True
            raise PowerLoss
        self.power -= 1
        self.written += len(buf)
        self.file.seek(block * BLOCK + offset)
        self.file.write(buf)

    def ioctl(self, op, arg):
        if op == 4:
            return self.blocks
        if op == 5:
            return BLOCK
        if op == 6 and not self.off:
            self.erased += 1
        return 0


def publish(session, first=QOS_1, topic=b"bench/topic", payload=PAYLOAD):
    """Have a session keep a message."""
    return session.add(first, topic, payload, 0, 100)


def subscribe(session):
    """Ask for a subscription, and get it."""
    session.resume(True, False, 0)
    pid = session.add(SUBSCRIBE, b"a/#", 1, 0, 100)
    session.unsent()
    session.sent()
    session.on_packet(SUBACK, pid, 1)


def receive(session, pid):
    """A message at QoS 2 comes."""
    session.is_new(pid, b"topic", PAYLOAD)
    session.mark_received(pid)


def steps():
    """A session's life."""
    yield subscribe
    yield lambda s: receive(s, 7)
    yield lambda s: s.on_packet(PUBREL, 7, 0)
    for i in range(2, 11):  # the subscription was 1
        first = QOS_1 if i & 1 else QOS_2
        yield lambda s, i=i, first=first: publish(s, first, b"topic", PAYLOAD + bytes((i,)))
        if i > 3:
            yield lambda s, i=i: s.on_packet(PUBREC, i - 2, 0)
            yield lambda s, i=i: s.remove(i - 2)
    yield lambda s: receive(s, 8)


def view(session):
    """All that a session would send, and knows, as a text; requests and DUP apart."""
    out = []
    for pid, first, _, msg in resend(session):
        if first & 0xF0 == 0x30:
            out.append((pid, first & ~8, msg))
        elif first == PUBREL:
            out.append((pid, first))
    return repr((out, [session.received.get(pid) for pid in (7, 8)], session.subscriptions))


def resend(session):
    """All that a session sends in a new connection."""
    session.on_close(None)
    session.resume(True, False, 0)
    packet = session.unsent()
    while packet:
        yield packet
        session.sent()
        packet = session.unsent()


def after_reset(path):
    session = FileSession(path)
    if session.lost:
        raise RuntimeError("damaged")
    text = view(session)
    session.close()
    return text


def mounted(path, blocks, kind, new):
    flash = Flash(path, blocks)
    if new:
        kind.mkfs(flash)
    vfs.mount(kind(flash), "/flash")
    return flash


def power(path, blocks, kind):
    """Cut the power at every write through all steps, and look what is there."""
    file.GROWTH = 256
    memory = MemorySession(100)
    expected = [view(memory)]
    for step in steps():
        step(memory)
        expected.append(view(memory))
    cuts = 0
    while True:
        flash = mounted(path, blocks, kind, True)
        flash.power = cuts
        i = 0
        whole = True
        session = None
        try:
            session = FileSession("/flash/s")
            for step in steps():
                step(session)
                if flash.off:  # littlefs goes on for a moment
                    raise PowerLoss
                i += 1
        except (PowerLoss, MQTTException):
            if not flash.off:
                raise
            whole = False
        flash.off = True
        if session:
            session.close()
        vfs.umount("/flash")
        mounted(path, blocks, kind, False)
        text = after_reset("/flash/s")
        if text not in expected[i : i + 2]:
            raise RuntimeError("%s, cut %d, step %d: %s, not %s" % (kind, cuts, i, text, expected[i]))
        vfs.umount("/flash")
        gc.collect()
        if whole:
            return {"cuts": cuts}
        cuts += 1


def cost(path, blocks, kind):
    """Bytes that are written to the flash, and blocks erased, for a message at QoS 1."""
    flash = mounted(path, blocks, kind, True)
    session = FileSession("/flash/s")
    session.remove(publish(session))
    written, erased = flash.written, flash.erased
    for _ in range(100):
        session.remove(publish(session))
    session.close()
    vfs.umount("/flash")
    return {"written": (flash.written - written) // 100, "erased": (flash.erased - erased) / 100}


def full(path, blocks, kind):
    """Fill the file system; nothing that was accepted is lost, and it is not full for ever."""
    mounted(path, blocks, kind, True)
    session = FileSession("/flash/s", 1000)
    numbers = []
    try:
        while True:
            publish(session, payload=PAYLOAD * 8)
    except Exception as error:
        numbers.append(list(error.args))
    waiting = session.waiting()
    session.close()
    session = FileSession("/flash/s", 1000)
    numbers += [waiting - session.waiting(), session.lost]
    for pid in range(1, waiting + 1):
        session.remove(pid)
    publish(session)
    session.close()
    numbers.append(FileSession("/flash/s").waiting())
    vfs.umount("/flash")
    return {"numbers": numbers}


def heap(path):
    """Bytes of heap for a message that waits."""
    session = FileSession(path, 100)
    publish(session)
    gc.collect()
    before = gc.mem_alloc()
    for _ in range(64):
        publish(session)
    gc.collect()
    return (gc.mem_alloc() - before) / 64


def killed(path, number):
    """Say what is kept, then publish until the process is killed, and say each step before and after it."""
    session = FileSession(path)
    waiting = [(packet[0], int(packet[3])) for packet in resend(session)]
    say("kept", numbers=[other for pid, other in waiting], lost=session.lost)
    while True:
        print("+", number)
        waiting.append((publish(session, QOS_1, b"topic", b"%d" % number), number))
        print("=", number)
        number += 1
        if len(waiting) > 5:
            pid, other = waiting.pop(0)
            print("-", other)
            session.remove(pid)


def say(event, **facts):
    print(json.dumps({"event": event, "facts": facts}))


def main(part, path, kind="", number=0):
    """Do one part, which prints events as `harness` does."""
    if part == "killed":
        killed(path, number)
    elif part == "heap":
        say("heap", bytes=heap(path))
    else:
        blocks = 64
        with open(path, "wb") as f:
            for _ in range(blocks):
                f.write(b"\xff" * BLOCK)
        kind = {"littlefs": vfs.VfsLfs2, "FAT": vfs.VfsFat}[kind]
        say(part, **{"power": power, "cost": cost, "full": full}[part](path, blocks, kind))
    say("done", ms=0)
