"""The ways to ask for TLS, named by `config["way"]`."""


def context(cadata):
    try:
        import tls
    except ImportError:
        import ssl as tls
    made = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    made.verify_mode = tls.CERT_REQUIRED
    with open(cadata, "rb") as file:
        made.load_verify_locations(file.read())
    return made


def run(device):
    from umqtt2.transport.tls import TLSTransport

    way = device.config["way"]
    a = device.config["client"]
    cadata = a["ssl_params"]["cadata"]
    if way == "unverified, as umqtt.simple2 does":
        c = device.client(ssl_params=None)
    elif way == "unverified in words":
        c = device.client(transport=TLSTransport(a["server"], a["port"], verify=False))
    elif way == "a context":
        c = device.client(ssl=context(cadata), ssl_params=None)
    elif way == "bytes":
        with open(cadata, "rb") as file:
            c = device.client(ssl_params={"cadata": file.read()})
    else:
        try:
            TLSTransport(a["server"], a["port"])
            raise RuntimeError("unverified without a word")
        except ValueError as e:
            device.say("refused", error=str(e))
            return
    c.connect()
    c.publish(device.topic("up"), "over TLS")
    c.disconnect()
