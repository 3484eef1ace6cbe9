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
        The broker has started a clean session: forget what cannot be sent again.

For QoS 2 [4.3.3] it has besides

    received(pid) -> bool
        PUBREC came: from here on only PUBREL may be sent. False when `pid` is not in flight.
    duplicate(pid) -> bool
        True when a message at QoS 2 from the broker has come before with this identifier.
    delivered(pid)
        Such a message was given to the program: remember its identifier.
    released(pid)
        PUBREL came: forget that identifier.
    resume(present)
        A connection begins. `present` is True when the broker has kept the session; when it has not,
        what was delivered is of no use any more.

and one that keeps whole messages, to send them again after a reconnect [4.4], also

    unsent() -> tuple, list or None
        What is to be sent next on this connection, in the order in which it was added: (pid, first,
        topic, msg) as `add` got them, `first` with DUP [3.3.1.1] where it was sent before and the broker
        kept the session, and 0 where PUBREC had come, so that PUBREL is to be sent. None when all of it was
        sent; that is asked for often and should allocate nothing. After `resume` all that is in flight is
        unsent again; where the broker has not kept the session, first a SUBSCRIBE for each subscription.
    renew()
        After `resume(True)`: the broker has a session, but it may be one without the subscriptions. A
        SUBSCRIBE for each is unsent again. A store may do without; then they may be lost with a CONNACK.
    replace(first, topic, qos) -> int
        Put a SUBSCRIBE or UNSUBSCRIBE in the place of one for the same filter that is unsent, and return its
        identifier; 0 when there is none. A store may do without; then they may pile up.
    sent(pid, deadline)
        What `unsent` returned was handed to the transport; a SUBSCRIBE or UNSUBSCRIBE waits for its
        acknowledgement until `deadline`.
    renewed(pid) -> bool
        True when `pid` is that of a SUBSCRIBE that the program has not asked for: such a renewal.
    refused(pid)
        The broker has refused the subscription `pid`, or it could not be sent: it is not to be renewed.
        `done` follows.
    waiting() -> int
        How many messages it keeps.

A message that is kept has no deadline: `expired` never returns its identifier, whose status comes when
it is delivered. A message at QoS 0 may be added too; the client calls `done` when it was sent. A store
that is full raises MQTTException(EFULL), one that cannot write MQTTException(ESTORE, errno of the OSError).

    pids     PidSession, the smallest: QoS 0 and 1, nothing is sent again
    exact    ExactSession: QoS 2 as well
    memory   MemorySession: keeps messages in RAM
    file     FileSession: keeps messages in a file, also through a loss of power
"""
