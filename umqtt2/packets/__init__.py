"""The wire format, without any I/O: one class for each version of the protocol.

    fields    what packets are made of: their first bytes, fixed header, strings, topics
    decoder   from bytes to packets, in whatever pieces the bytes come
    v311      V311, the packets of MQTT 3.1.1
    filter    which topics a topic filter is for

The client gets the class, or an object of it, as `packets=` and uses these of it:

    connect(client_id, clean, keepalive, user, password, will) -> bytes
    subscribe(first, pid, topic, qos) -> bytes
        Whole packets; they are rare and short. `first` is SUBSCRIBE or UNSUBSCRIBE.
    publish(buf, topic, size, first, pid) -> int
        Writes a PUBLISH up to its payload to `buf`, and returns its length.
    ack(buf, first, pid) -> int
        Writes a PUBACK, PUBREC, PUBREL or PUBCOMP to `buf`, and returns its length.
    decode(sink, buf, max_packet)
        A generator: see `decoder`.
    topic_name(topic) -> bytes
        A topic to publish to, encoded; raises ValueError where it is not allowed.
    refusal(code) -> MQTTException
        The exception for a CONNACK with this return code.
    disconnect_packet: bytes
        The DISCONNECT that is sent next.
    closed: int
        The error number for a broker that closes.
    limits: object or None
        None, or an object with
        check(first, topic, msg, now) -> bytes
            The program publishes, subscribes or unsubscribes: raises what the program gets for what the broker does
            not take, and returns the topic to keep or send. `now` is the Connection's.
        check_options(options, highest)
            Raises ValueError unless `options` is what a subscription may have in the place of a QoS of up to `highest`.
        payload_at(head, at) -> int
            Of a message that comes in chunks so much has come, and what follows its packet identifier begins at an
            index: where its payload begins; 0 when more must come, -1 when it cannot be kept.
        message(topic, payload, retain, qos, dup) -> tuple
            The message that `umqtt2.aio` gives to the program.
        refused(first, topic, msg) -> int or None
            The same for a message that was kept and is about to be sent: the status that it gets instead, or None.

`connect` may return a bytearray that `decode` completes when it begins: its `sink` is the Connection then.
"""
