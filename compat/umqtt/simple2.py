"""umqtt.simple2 on top of umqtt2: `from umqtt.simple2 import MQTTClient` keeps working.

Copy the folder `umqtt` to the board, beside `umqtt2`. New programs import umqtt2 itself and do
without this file.
"""

from umqtt2 import MQTTClient as _MQTTClient
from umqtt2 import MQTTException
from umqtt2.errno import ESUBACKFAIL, SFAILED

__all__ = ("MQTTClient", "MQTTException", "pid_gen")


def pid_gen(pid=0):
    """Generate packet identifiers after `pid`, for ever."""
    while True:
        pid = pid % 65535 + 1
        yield pid


class _Session:
    """A store whose insides a program of umqtt.simple2 may touch: they are the client's attributes."""

    def __init__(self, client):
        self.client = client

    def add(self, deadline, first, topic, msg):
        if len(self.client.rcv_pids) > 65534:
            raise MQTTException(-1, "every packet identifier is in flight")
        for pid in self.client.newpid:
            if pid not in self.client.rcv_pids:
                self.client.rcv_pids[pid] = deadline
                return pid

    def done(self, pid):
        return self.client.rcv_pids.pop(pid, None) is not None

    def expired(self, clock):
        pids = self.client.rcv_pids
        for pid in pids:
            if clock.ticks_diff(pids[pid], clock.ticks_ms()) <= 0:
                del pids[pid]
                return pid
        return 0

    def clear(self):
        self.client.rcv_pids.clear()


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
                 ticks_ms of the last ping sent and of the last packet that came
    """

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
            ssl_params or {},
            socket_timeout,
            message_timeout,
            **options
        )
        self.newpid = pid_gen()
        self.rcv_pids = {}
        self.pswd = password
        self.lw_topic = None
        self.lw_msg = None
        self.lw_qos = 0
        self.lw_retain = False

    @property
    def sock(self):
        return getattr(self._open, "sock", None)

    def cbstat(self, pid, status):
        pass

    def set_last_will(self, topic, msg, retain=False, qos=0):
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
        return super().connect(clean_session)

    def check_msg(self):
        return self._op(super().check_msg())

    def wait_msg(self):
        return self._op(super().wait_msg())

    def _op(self, first):
        # umqtt.simple2 returned the first byte of acknowledgements only.
        if first and first & 0xF0 not in (0x30, 0xD0):
            return first

    def _status(self, pid, status):
        if status == SFAILED:
            raise MQTTException(ESUBACKFAIL)
        super()._status(pid, status)

    # Private there, but what subclasses used to send packets of their own with.

    def _write(self, bytes_wr, length=-1):
        if length < 0:
            length = len(bytes_wr)
        self._send(bytes_wr, length)
        return length

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
