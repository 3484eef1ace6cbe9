"""The wire format, without any I/O: one class for each version of the protocol.

    fields    what packets are made of: their first bytes, fixed header, strings, topics
    decoder   from bytes to packets, in whatever pieces the bytes come
    v311      V311, the packets of MQTT 3.1.1
    filter    which topics a topic filter is for

The client gets the class, or an object of it, as `packets=` and uses these of it:

    connect(client_id, clean, keepalive, user, password, will, connection) -> bytes
    subscribe(first, pid, topic, qos) -> bytes
        Whole packets; they are rare and short. `first` is SUBSCRIBE or UNSUBSCRIBE.
    publish(buf, topic, size, first, pid) -> int
        Writes a PUBLISH up to its payload to `buf`, and returns its length.
    topic_name(topic) -> bytes
        A topic to publish to, encoded; raises ValueError where it is not allowed.
    five: bool
        Whether it has properties and limits, as MQTT 5. Then it also has
        fail(), check_header(first, length), take_packet(buf, body, first, length, pid) -> int
            What the decoder asks it: see `umqtt2.v5`.
        check_options(options, highest)
            Raises ValueError unless `options` is what a subscription may have in the place of a QoS of up to `highest`.
        check(connection, first, topic, msg) -> bytes
            The program publishes, subscribes or unsubscribes: raises what the program gets for what the broker does
            not take, and returns the topic to keep or send.
        holds(own, packet) -> bool
            A message that was kept is about to be sent, `packet` as `unsent` of the session store returns it: True
            when it may not. `own` is the packet identifier of the request that is made now, or 0.
        payload_at(head, at) -> int
            Of a message that comes in chunks so much has come, and what follows its packet identifier begins at an
            index: where its payload begins; 0 when more must come, -1 when it cannot be kept.
        properties() -> dict
            Those of the last packet.
        excess(first, topic, msg) -> int
            What `check` looks at again later: the reason code that the broker would have for a packet, or 0.
        ended: object
            Not empty when the broker forgets the session with this connection.
        asking: int
            How many tasks wait for an answer: `umqtt2.aio` does not stop reading then.
"""
