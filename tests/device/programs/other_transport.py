"""Another program, `config["runs"]`, over a transport that the client does not make by itself:
`config["transport"]`, with `config["pty"]` for a stream."""

from transports import transport_of


def websocket(device):
    from umqtt2.transport.websocket import WebSocketTransport

    a = device.config["client"]
    return WebSocketTransport(a["server"], a["port"], transport=transport_of(device))


def stream(device):
    from umqtt2.transport.stream import StreamTransport

    return StreamTransport(open(device.config["pty"], "r+b"))


def trace(device):
    from umqtt2.transport.trace import TraceTransport

    return TraceTransport(transport_of(device), lambda line: print("trace", line))


def run(device):
    transport = {"websocket": websocket, "stream": stream, "trace": trace}[device.config["transport"]](device)
    make = device.client

    def client(*args, **more):
        return make(*args, transport=transport, **more)

    device.client = client
    __import__(device.config["runs"]).run(device)
