"""umqtt.simple2 on top of umqtt2: `from umqtt.simple2 import MQTTClient` keeps working.

Copy the folder `umqtt` to the board, beside `umqtt2`. New programs import umqtt2 itself and do
without this file.
"""

import gc

from umqtt2 import MQTTClient as _MQTTClient
from umqtt2 import MQTTException
from umqtt2.errno import (
    ECONNOT,
    EFULL,
    ESUBACKFAIL,
    SDELIVERED,
    SDROPPED,
    SFAILED,
    STIMEOUT,
    SUNKNOWNPID,
)

__all__ = ("MQTTClient", "MQTTException", "pid_gen")

PUBLISH = 0x30
SUBACK = 0x90
PINGRESP = 0xD0
LONG_MS = 0x1FFFFFFF  # the longest time that ticks can tell
WRITABLE = 4
WAIT_MS = 500


def pid_gen(pid=0):
    """Generate packet identifiers after `pid`, for ever."""
    while True:
        pid = pid % 65535 + 1
        yield pid


class _Session:
    """A session store whose state is in the client's attributes `newpid` and `rcv_pids`, where programs of
    umqtt.simple2 find and change it. See the contract in `umqtt2.session`."""

    max_qos = 1
    streams = False
    keeps = False
    has_unsent = False
    status = STIMEOUT
    window = own_window = 65535  # not kept, as umqtt.simple2 had no limit

    def __init__(self, client):
        self.client = client
        self.answers = {}  # packet identifier: the first byte of the acknowledgement that comes next
        self.packet = None

    def add(self, first, topic, msg, now, timeout):
        client = self.client
        pids = client.rcv_pids
        if not pids:
            self.answers.clear()  # a program may have replaced `rcv_pids`
        pid = client.unused_pid()
        pids[pid] = client.deadline()
        self.answers[pid] = (first & 0xF0) + 0x10
        self.packet = (pid, first, topic, msg)
        self.has_unsent = True
        return pid

    def remove(self, pid):
        self.sent()
        self.answers.pop(pid, None)
        return self.client.rcv_pids.pop(pid, None) is not None

    def unsent(self):
        return self.packet

    def sent(self):
        self.has_unsent = False
        self.packet = None

    def on_packet(self, first, pid, code):
        # What the program itself put into `rcv_pids` may be answered by any acknowledgement.
        if pid not in self.client.rcv_pids or self.answers.get(pid, first) != first:
            return SUNKNOWNPID
        self.answers.pop(pid, None)
        del self.client.rcv_pids[pid]
        return SFAILED if first == SUBACK and code > 2 else SDELIVERED

    def is_new(self, pid, topic, payload, size=0):
        raise MQTTException(-1, "PUBLISH at QoS 2")

    def mark_received(self, pid):
        pass

    def expired(self, now):
        pids = self.client.rcv_pids
        clock = self.client.clock
        for pid in pids:
            if clock.ticks_diff(pids[pid], clock.ticks_ms()) <= 0:
                self.answers.pop(pid, None)
                del pids[pid]
                return pid
        return 0

    def resume(self, present, uncertain, now):
        pass

    def on_close(self, by_broker):
        self.sent()


class MQTTClient(_MQTTClient):
    """umqtt.simple2's client, with its attributes.

    sock         the socket, or None while not connected; closing it simulates a lost connection
    newpid       the generator of packet identifiers
    rcv_pids     a dict from packet identifier to deadline (ticks_ms) of what awaits its acknowledgement
    lw_topic, lw_msg, lw_qos, lw_retain
                 the last will for the next connect
    pswd         the password
    cb, cbstat   the callbacks
    client_id, server, port, user, ssl, ssl_params, keepalive, socket_timeout, message_timeout
                 as given, read anew at each connect
    last_ping, last_cpacket
                 ticks_ms of the last `ping()` and of the last packet that came

    As there, QoS 2 and `subscribe` without a callback are AssertionErrors, `ssl_params` means nothing without
    `ssl`, a subscription that is refused raises MQTTException(44), and there is no limit to the number of
    messages in flight.
    """

    cb = None

    def __init__(
        self,
        client_id,
        server,
        port=0,
        user=None,
        password=None,
        keepalive=0,
        ssl=False,
        ssl_params=None,
        socket_timeout=5,
        message_timeout=10,
        **options
    ):
        options.setdefault("session", _Session(self))
        options.setdefault("max_packet", 268435455)  # umqtt.simple2 knew no limit but the memory
        super().__init__(
            client_id,
            server,
            port,
            user,
            password,
            keepalive,
            ssl,
            None,
            socket_timeout,
            message_timeout,
            **options
        )
        self.ssl_params = ssl_params or {}
        self.newpid = pid_gen()
        self.rcv_pids = {}
        self.pswd = password
        self.lw_topic = None
        self.lw_msg = None
        self.lw_qos = 0
        self.lw_retain = False
        self.last_ping = self.last_cpacket = self.clock.ticks_ms()
        self._given = self.transport
        # Subclasses may define `cb` and `cbstat` as methods, and programs set them as attributes.
        super().set_callback(self._message)
        super().set_callback_status(self._status)

    @property
    def sock(self):
        if self.connection.state:
            return getattr(self.transport, "sock", None)

    def cbstat(self, pid, status):
        pass

    def set_callback(self, f):
        self.cb = f

    def set_callback_status(self, f):
        self.cbstat = f

    def set_last_will(self, topic, msg, retain=False, qos=0):
        _check(qos in (0, 1, 2) and topic)
        super().set_last_will(topic, msg, retain, qos)  # for its checks
        self.lw_topic = topic
        self.lw_msg = msg
        self.lw_qos = qos
        self.lw_retain = retain

    def connect(self, clean_session=True):
        self.password = self.pswd
        self.will = None
        if self.lw_topic:
            super().set_last_will(self.lw_topic, self.lw_msg, self.lw_retain, self.lw_qos)
        if clean_session:
            self.rcv_pids.clear()
        super().disconnect()
        self.transport = self._given  # there may be no memory for the old one and the new one
        if not self.transport:
            gc.collect()
            self.transport = self._new()
            gc.collect()
        resumed = super().connect(clean_session)
        self.last_cpacket = self.clock.ticks_ms()
        return resumed

    def _new(self):
        # A transport to `server` and `port` as they are now; its socket is `sock`.
        if self.ssl:
            from umqtt2.transport.tls import TLSTransport

            return TLSTransport(self.server, self.port, self.ssl, **self.ssl_params)
        from umqtt2.transport.tcp import TCPTransport

        return TCPTransport(self.server, self.port)

    def ping(self):
        super().ping()
        self.last_ping = self.clock.ticks_ms()

    def publish(self, topic, msg, retain=False, qos=0, dup=False):
        _check(qos in (0, 1))
        return super().publish(topic, msg, retain, qos, dup)

    def subscribe(self, topic, qos=0):
        _check(qos in (0, 1))
        _check(self.cb, "Subscribe callback is not set")
        return super().subscribe(topic, qos)

    def check_msg(self):
        return self._acknowledgement(super().check_msg())

    def wait_msg(self):
        return self._acknowledgement(super().wait_msg())

    def unused_pid(self):
        """Return a packet identifier that is not in flight; for the session store."""
        if len(self.rcv_pids) < 65535:
            tries = 65535
            for pid in self.newpid:
                if pid not in self.rcv_pids:
                    return pid
                tries -= 1
                if not tries:
                    break
        raise MQTTException(EFULL, "every packet identifier is in flight")

    def deadline(self):
        """Return the ticks_ms at which `message_timeout` is over; for the session store."""
        return self.clock.ticks_add(self.clock.ticks_ms(), min(int(self.message_timeout * 1000), LONG_MS))

    def _acknowledgement(self, first):
        # umqtt.simple2 returned the first byte of acknowledgements only.
        if first:
            self.last_cpacket = self.clock.ticks_ms()
            if first & 0xF0 not in (PUBLISH, PINGRESP):
                return first

    def _message(self, topic, msg, retained, dup):
        self.last_cpacket = self.clock.ticks_ms()
        if self.cb:
            self.cb(topic, msg, retained, dup)
        else:
            self.cbstat(0, SDROPPED)

    def _status(self, pid, status):
        if status == SFAILED:
            raise MQTTException(ESUBACKFAIL)
        self.cbstat(pid, status)

    # Private there, but what subclasses used to send packets of their own with.

    def _write(self, bytes_wr, length=-1):
        if length < 0:
            length = len(bytes_wr)
        if not self.connection.state:
            raise MQTTException(ECONNOT)
        try:
            self._send_all()
            self.connection.send(bytes_wr, length)
            self._send_all()
        except BaseException:
            super().disconnect()
            raise
        return length

    def _send_all(self):
        while not self.connection.flush():
            self.transport.wait(WRITABLE, WAIT_MS)

    def _send_str(self, s):
        s = s.encode() if isinstance(s, str) else s
        self._write(len(s).to_bytes(2, "big") + s)

    def _varlen_encode(self, value, buf, offset=0):
        while value > 127:
            buf[offset] = value & 127 | 128
            value >>= 7
            offset += 1
        buf[offset] = value
        return offset + 1


def _check(condition, text=""):
    # An `assert` that optimizing does not remove.
    if not condition:
        raise AssertionError(text)
