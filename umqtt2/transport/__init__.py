"""Bytes to and from the broker.

A transport is any object with these five methods; give it to the client as `transport=`. It knows
nothing of MQTT, needs no base class, and raises OSError and nothing else.

    open(timeout_ms)
        Connect; the client calls it in `connect()`. A failed open leaves nothing open. What can only
        be finished together with the first bytes (a TLS handshake) may be left to `write`.
    readinto(buf, n) -> int | None
        Put up to `n` bytes at the start of `buf` and return how many; None when there is nothing
        now, 0 when the peer has closed. Never waits.
    write(buf, offset, n) -> int | None
        Send up to `n` bytes of `buf`, beginning at `offset`, and return how many were taken; None
        when none can be now. Never waits. After None the client calls it again with the same bytes.
    wait(flags, timeout_ms)
        Wait until the transport is readable (flags 1) or writable (4), these are select's POLLIN and
        POLLOUT; at most `timeout_ms`, -1 for ever. May return early: the client just tries again. Raises
        nothing: what is wrong shows at the next `readinto` or `write`.
    close()
        Let go of everything. May be called twice, and raises nothing.

and, for those who want more of it, optionally

    opening(timeout_ms)
        `open` in steps: a generator that ends when the connection is made, and does not wait. `timeout_ms` is
        for those that divide it, among addresses; the client ends one that takes too long. Without it
        the client waits in `open`. Between two steps the client pauses for 5 ms, and then calls `wait` for
        what is writable, at most an eighth of `socket_timeout`: it returns at once when there is nothing to wait for.
    pollable
        After `open`: what select and event loops can watch, or None. Without it `umqtt2.aio` looks every
        20 milliseconds.

`buf` is a bytearray or memoryview (for `write` also bytes); `timeout_ms` is milliseconds, -1 is no limit.

    tcp        TCPTransport
    tls        TLSTransport: TCP with TLS on it
    websocket  WebSocketTransport: frames of a WebSocket, on any of the others
    stream     StreamTransport: a UART, a modem, a pty
    trace      TraceTransport: prints the packets that pass over any of the others
"""
