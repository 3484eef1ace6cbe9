"""In the place of umqtt2.transport's tcp, tls and websocket, in the page: a browser has no sockets."""


class TCPTransport:
    """A connection to the fake broker, or to the address that was typed in, whatever the program asks for."""

    def __new__(cls, server, port=1883, *more, **options):
        """Of the arguments none counts."""
        import playground

        return playground.new_transport()


TLSTransport = WebSocketTransport = TCPTransport
