"""The wire format of MQTT 3.1.1, without any I/O.

A packet is a fixed header and what follows it. `fields.fixed_header` writes the header to the start of
the caller's buffer. What follows comes from:

    publish      PUBLISH up to its payload: header and all, written to the caller's buffer
    ack          PUBACK, PUBREC, PUBREL, PUBCOMP: likewise
    connect      CONNECT: bytes to go after a fixed header
    subscribe    SUBSCRIBE, UNSUBSCRIBE: likewise
    empty        PINGREQ, DISCONNECT: constants, header and all

The first two are for every message and allocate next to nothing; the others are rare and short. `types`
has the first byte of every packet, `topic` says what a topic name and a topic filter may be.

Decoding: `decoder.decode` takes the bytes from the broker in whatever pieces they come.
"""
