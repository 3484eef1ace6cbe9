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
"""
