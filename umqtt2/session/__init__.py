"""What outlives a connection: packet identifiers and what waits for an acknowledgement.

A session store is any object with these methods; give it to the client as `session=`. It knows no
socket and no wire format.

    add(deadline, first, topic, msg) -> int
        A packet is about to be sent: give it a packet identifier, 1 to 65535, that nothing in flight
        has [2.3.1], and remember that it waits for its acknowledgement until `deadline` (in the clock's
        ticks, milliseconds). `first` is the first byte of the packet, `topic` its topic name or filter
        as bytes; `msg` is the payload of a PUBLISH, the QoS of a SUBSCRIBE (an int), or None for an
        UNSUBSCRIBE. A store that cannot take it raises, and nothing is sent.
    done(pid) -> bool
        `pid` was acknowledged, or could not be sent and the program knows. False when it is not in flight.
    expired(clock) -> int
        Takes one identifier whose deadline has passed out of flight and returns it; 0 when there
        is none. Called often: it should allocate nothing.
    clear()
        The broker has started a clean session: forget everything in flight.

`pids.PidSession` is the client's own.
"""
