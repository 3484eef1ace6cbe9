"""A megabyte each way, through a heap that has no room for it; `config["robust"]`: and through a cut."""

import hashlib
from binascii import hexlify


class Pattern:
    """A stream of bytes that can be computed anywhere, and their digest."""

    def __init__(self, length):
        self.digest = hashlib.sha256()
        self.at = 0
        self.length = length

    def tell(self):
        return self.at

    def seek(self, at):
        self.at = at
        self.digest = hashlib.sha256()

    def readinto(self, buf):
        n = min(len(buf), self.length - self.at)
        i = 0
        while i < n:
            buf[i] = (self.at + i) * 31 >> 3 & 255
            i += 1
        self.digest.update(memoryview(buf)[:n])
        self.at += n
        return n


def run(device):
    length = device.config["length"]
    if device.config["robust"]:
        from umqtt2.robust import MQTTClient

        c = device.client(MQTTClient, backoff=(0.05, 0.2), max_packet=1024)
    else:
        from umqtt2 import MQTTClient

        c = device.client(MQTTClient, max_packet=1024)
    got = {}

    def piece(topic, data, offset, total):
        if offset == 0:
            got["digest"] = hashlib.sha256()
            got["begun"] = got.get("begun", 0) + 1
        got["digest"].update(data)
        if offset + len(data) == total:
            got["complete"] = total

    c.set_callback_chunks(piece, device.topic("down"))
    c.connect(clean_session=False)
    device.subscribe(c, "down", 1)
    device.say("ready")
    device.until(c, lambda: "complete" in got, 60000)
    device.say("got", total=got["complete"], digest=hexlify(got["digest"].digest()), begun=got["begun"])
    source = Pattern(length)
    pid = c.publish(device.topic("up"), source, qos=1, length=length)
    status = None
    device.until(c, lambda: device.statuses, 60000)
    status = [s for p, s in device.statuses if p == pid]
    device.say("sent", statuses=status, digest=hexlify(source.digest.digest()))
    c.disconnect()
    c.connect(True)
    c.disconnect()
