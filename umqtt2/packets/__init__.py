"""The wire format of MQTT 3.1.1, without any I/O.

Encoding: each function here writes one packet to the start of the caller's `bytearray`, makes the
buffer longer if it is too short, and returns the packet's length in bytes. `publish` writes all but
the payload, which can then go out from where it lies.

    connect      CONNECT
    publish      PUBLISH
    subscribe    SUBSCRIBE, UNSUBSCRIBE
    ack          PUBACK, PUBREC, PUBREL, PUBCOMP
    empty        PINGREQ, DISCONNECT: constants
    topic        what a topic name and a topic filter may be

Decoding: `decoder.Decoder` takes the bytes from the broker in whatever pieces they come.
"""
