"""The other clients' way to TLS, which a board's firmware has had under this name until 1.22, and this VM has not."""

import tls


def wrap_socket(sock, cadata=None, cert_reqs=tls.CERT_NONE, server_hostname=None):
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.verify_mode = cert_reqs
    if cadata:
        context.load_verify_locations(cadata)
    return context.wrap_socket(sock, server_hostname=server_hostname)
