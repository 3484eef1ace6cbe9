"""Error numbers (`MQTTException.args[0]`) and status codes (the status callback's second argument).

The values and the spelling are umqtt.simple2's, so that programs which compare them keep working.
"""

# --- Error numbers -------------------------------------------------------------------------------
EUNKNOWN = -1  # kept for umqtt.simple2's programs; umqtt2 does not raise it
ECONCLOSE = 1  # the broker closed the connection
EREADLEN = 2  # kept for umqtt.simple2's programs; umqtt2 does not raise it
EWRITELEN = 3  # likewise
ESTRTOLONG = 4  # likewise: a string that is too long is a ValueError
ERESPONSE = 6  # the broker broke MQTT; args[1] says how, except in builds for boards, which have no texts
EKEEPALIVE = 7  # the broker did not answer a ping in time
ENOCON = 8  # kept for umqtt.simple2's programs; umqtt2 raises ECONNOT
ECONUNKNOWN = 20  # CONNACK with a return code that MQTT does not define; args[1] is the code
ECONPROTOCOL = 21  # CONNACK: unacceptable protocol version
ECONREJECT = 22  # CONNACK: client identifier rejected
ECONUNAVAIBLE = 23  # CONNACK: server unavailable
ECONCREDENTIALS = 24  # CONNACK: bad user name or password
ECONAUTH = 25  # CONNACK: not authorized
ECONNOT = 28  # not connected
ECONLENGTH = 29  # the first packet from the broker was not a CONNACK
ECONTIMEOUT = 30  # the broker did not accept or send anything for `socket_timeout`
ESUBACKUNKNOWN = 40  # kept for umqtt.simple2's programs; umqtt2 raises ERESPONSE
ESUBACKFAIL = 44  # a subscription was refused, with MQTT 5 also a message: from `umqtt2.aio` and the shim alone
EFULL = 50  # the session store has as many messages as it may keep, or as may be in flight
ESTORE = 51  # the session store cannot write; args[1] is the OSError's number
ELIMIT = 52  # MQTT 5: the broker does not take this; args[1] is the reason code: 0x95 size, 0x9A RETAIN, 0x9B QoS
EBUSY = 53  # called from an interrupt or another thread while the client was at work: try again

# --- Status codes --------------------------------------------------------------------------------
STIMEOUT = 0  # no acknowledgement within `message_timeout`
SDELIVERED = 1  # acknowledged
SUNKNOWNPID = 2  # acknowledged, but nothing (any more) in flight has this packet identifier
SFAILED = 3  # the broker refused the subscription
SOVERSIZE = 4  # an incoming message larger than `max_packet` was thrown away; the identifier is 0
SREJECTED = 5  # given up: the broker closed one connection after another when it was sent
SDROPPED = 6  # an incoming message was thrown away: its topic is not valid, or there is no callback; pid 0


class MQTTException(Exception):
    """What goes wrong between the client and the broker, above the transport.

    `args[0]` is one of the error numbers of `umqtt2.errno`; `args[1]`, where there is one, says more.
    What goes wrong in the transport itself (no route, refused, reset, TLS) is an `OSError`.

    It is printed in words, which `umqtt2.texts` has; without that, or without memory for it, as its numbers.
    """

    def __str__(self) -> "str":
        try:
            from .texts import describe

            return describe(self.args)
        except Exception:  # whatever a file raises that is not there, or not whole
            return str(self.args[0] if len(self.args) == 1 else self.args)

    def __repr__(self) -> "str":  # MicroPython prints this when the exception is not caught
        try:
            return "MQTTException: %s" % self
        except MemoryError:
            return self.args  # type: ignore[return-value]  # MicroPython prints anything: a text would take memory


def malformed(text: "str") -> "MQTTException":
    """Return the exception for a packet that breaks MQTT 3.1.1; `text` says how [MQTT-4.8.0-1]."""
    return MQTTException(ERESPONSE, text)
