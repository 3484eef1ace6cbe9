"""What outlives a connection: the state of every packet identifier, and what waits for an acknowledgement.

A session store is any object with what follows; give it to the client as `session=`. It knows no socket and no wire
format. `umqtt2.testing.check_session` tries all of it. Times are in units of 64 ms, of a clock that does not
wrap. The type is `umqtt2.cpython.contracts.Session`.

    max_qos: int
        The highest QoS that it knows: 1, or 2 [4.3].
    streams: bool
        Whether the payload of a message at QoS 1 and 2 may be a `streaming.StreamPayload`.
    keeps: bool
        Whether it keeps messages and subscriptions, to send them again after a reconnect [4.4].
    window: int
        How many messages may be in flight. MQTT 5 lowers it to what the broker takes.
    own_window: int
        How many it was made for. Builds without MQTT 5 leave it out.
    has_unsent: bool
        False when `unsent` would return None. Looked at often.

    add(first, topic, msg, now, timeout) -> int
        The program publishes, subscribes or unsubscribes: return a packet identifier, 1 to 65535, that
        nothing in flight has [2.3.1]. `first` is the first byte of the packet, `topic` its topic name or filter as
        bytes; `msg` is the payload of a PUBLISH or the QoS of a SUBSCRIBE. The status is due when `timeout` has
        passed. What cannot be taken raises, MQTTException(EFULL) as a rule, and leaves no trace.
    remove(pid) -> bool
        Forget `pid`, which gets no status: it could not be sent, or the program wants it out of the way. False
        when it is not in flight.
    unsent() -> list or None
        What is to be sent next: (pid, first, topic, msg) as `add` got them. `first` has DUP [3.3.1.1] where it was
        sent before and the broker has kept the session; it is PUBREL once PUBREC has come. None when nothing is
        to be sent now. The list may be the same each time. Before `resume`, while the CONNACK is awaited, only
        what was never sent may be returned, and no message before a subscription that may have to be renewed; with
        None they wait for one round trip more.
    sent()
        What `unsent` returned was handed to the transport.
    on_packet(first, pid, code) -> int or None
        PUBACK, PUBREC, PUBCOMP, PUBREL, SUBACK or UNSUBACK has come; `code` is that of a SUBACK. Returns the first
        byte of the acknowledgement to answer with, or the status that the program gets (see `umqtt2.errno`), or
        None for neither. One of the wrong kind, or for an identifier that is not in flight, changes nothing. But
        a PUBACK may deliver a message at QoS 2 that waits for PUBREC: some brokers without QoS 2 answer so.
    is_new(pid, topic, payload, size=0) -> bool
        A message at QoS 2 has come: False when it is one that was delivered before, and not released yet.
        `payload` is all of it, or its first 128 bytes, and `size` then its length; both topic and payload may be
        None. What may fail for want of memory in `mark_received` is done here.
    mark_received(pid)
        The program has that message.
    expired(now) -> int
        Take one identifier whose time is over out of flight and return it; 0 when there is none. `status` is
        what the program gets for it. Called every 64 ms, while connected; it should allocate nothing. All that
        had come by `now` was processed: it stands still while more is there to read.
    status: int
        See `expired`.
    resume(present, uncertain, now)
        A connection begins. `present` is True when the broker has kept the session; `uncertain` when it may have
        lost it before, without our knowledge. What was sent already, since CONNECT, stays sent.
    on_close(by_broker)
        The connection has ended, and all that is kept is unsent again. `by_broker` is True when the broker has
        closed it, None when the program has left, there was no CONNACK, or the broker has said that no packet is the
        reason, and False for whatever else. Must need no memory.

What a method raises closes the connection, so that the broker repeats what was not processed; `add` is the
exception. A store that cannot write raises MQTTException(ESTORE, number of the OSError).

    packet_ids  PacketIdSession, the smallest: QoS 0 and 1, nothing is sent again
    qos2        QoS2Session: QoS 2 as well
    memory      MemorySession: keeps messages in RAM
    file        FileSession: keeps messages in a file, also through a loss of power
"""
