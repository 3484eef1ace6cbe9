"""The packets that pass over a transport, in words: a line for each."""

import time

NAMES = (
    "CONNECT CONNACK PUBLISH PUBACK PUBREC PUBREL PUBCOMP SUBSCRIBE SUBACK UNSUBSCRIBE UNSUBACK "
    "PINGREQ PINGRESP DISCONNECT AUTH"
).split()
CONNECT, CONNACK, PUBLISH, PUBREL, SUBSCRIBE, SUBACK, UNSUBSCRIBE = 1, 2, 3, 6, 8, 9, 10
WITH_PID = range(4, 12)


class TraceTransport:
    """A transport that shows what passes over another one, and changes nothing of it."""

    def __init__(self, below, log):
        self._below = below
        self._log = log
        self._start = time.ticks_ms()
        self._waiting = {}
        self._five = False
        self.wait = below.wait

    def open(self, timeout_ms):
        """Open the transport beneath."""
        for _ in self.opening(timeout_ms):
            time.sleep_ms(20)

    def opening(self, timeout_ms):
        """The same in steps."""
        self._waiting = {"->": b"", "<-": b""}
        try:
            if hasattr(self._below, "opening"):
                yield from self._below.opening(timeout_ms)
            else:
                self._below.open(timeout_ms)
        except OSError as e:
            self._say("-- no connection: %r" % e)
            raise
        self._say("-- open")

    def readinto(self, buf, n):
        """Read, and show what is complete."""
        got = self._below.readinto(buf, n)
        if got:
            self._pass("<-", bytes(buf[:got]))
        elif got == 0:
            self._say("-- closed by the broker")
        return got

    def write(self, buf, n, offset):
        """Write, and show what is complete."""
        taken = self._below.write(buf, n, offset)
        if taken:
            self._pass("->", bytes(buf[offset : offset + taken]))
        return taken

    def close(self):
        """Close the transport beneath."""
        self._below.close()

    def _say(self, text):
        self._log("%8.3f %s" % (time.ticks_diff(time.ticks_ms(), self._start) / 1000, text))

    def _pass(self, direction, data):
        data = self._waiting[direction] + data
        while True:
            length = shift = 0
            i = 1
            while i < len(data) and data[i] > 127:
                length |= (data[i] & 127) << shift
                shift += 7
                i += 1
            if i >= len(data):
                break
            length |= data[i] << shift
            end = i + 1 + length
            if end > len(data):
                break
            self._say("%s %s (%d bytes)" % (direction, self._describe(data[0], data[i + 1 : end]), end))
            data = data[end:]
        self._waiting[direction] = data

    def _describe(self, first, body):
        kind = first >> 4
        words = [NAMES[kind - 1] if kind else "not MQTT"]
        if kind == CONNECT:
            self._five = body[6] == 5
            words.append("MQTT 5" if self._five else "MQTT 3.1.1")
            words.append("keepalive %d" % number(body, 8))
            if body[7] & 2:
                words.append("clean session")
        elif kind == CONNACK:
            words.append("refused: %d" % body[1] if body[1] else "accepted")
            words.append("session present" if body[0] else "new session")
        elif kind == PUBLISH:
            words += self._describe_publish(first, body)
        elif kind in WITH_PID:
            words.append("pid %d" % number(body, 0))
            if kind in (SUBSCRIBE, UNSUBSCRIBE):
                at = 3 + body[2] if self._five else 2
                words.append(text(body[at + 2 : at + 2 + number(body, at)]))
                if kind == SUBSCRIBE:
                    words.append("QoS %d" % (body[-1] & 3))
            elif kind == SUBACK:
                words.append("refused" if body[-1] > 127 else "QoS %d" % body[-1])
        return words[0] + " " + ", ".join(words[1:])

    def _describe_publish(self, first, body):
        words = []
        end = 2 + number(body, 0)
        qos = first >> 1 & 3
        topic = body[2:end]
        if qos:
            words.append("pid %d" % number(body, end))
            end += 2
        if self._five:
            end += 1 + body[end]
        words += [text(topic) or "topic alias", "QoS %d" % qos]
        words += [word for bit, word in ((1, "retain"), (8, "again")) if first & bit]
        words.append("payload %d" % (len(body) - end))
        return words


def number(data, at):
    """Two bytes as a number."""
    return data[at] << 8 | data[at + 1]


def text(data):
    """Bytes as text, if they are."""
    try:
        return data.decode()
    except (UnicodeError, ValueError):
        return repr(data)
