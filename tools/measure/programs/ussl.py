"""What a board's firmware has built in and this VM lacks: the other clients' way to TLS."""

import tls


def wrap_socket(sock, cadata, cert_reqs, server_hostname):
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.verify_mode = cert_reqs
    context.load_verify_locations(cadata)
    return context.wrap_socket(sock, server_hostname=server_hostname)
