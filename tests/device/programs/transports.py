"""The transport beneath a program's own."""


def transport_of(device):
    """Return the transport that the configured client would make."""
    a = device.config["client"]
    if a.get("ssl"):
        from umqtt2.transport.tls import TLSTransport

        return TLSTransport(a["server"], a["port"], **a["ssl_params"])
    from umqtt2.transport.tcp import TCPTransport

    return TCPTransport(a["server"], a["port"])
