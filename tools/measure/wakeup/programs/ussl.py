"""What umqtt.simple and umqtt.simple2 import for TLS; MicroPython has had it under this name until 1.22."""

import tls


def wrap_socket(sock):
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.verify_mode = tls.CERT_NONE
    return context.wrap_socket(sock)
