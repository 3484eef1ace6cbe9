# The client over plain TCP, QoS 0 and 1.

metadata(version="0.1.0", description="MQTT 3.1.1 client: TCP, QoS 0 and 1", license="MIT")

package(
    "umqtt2",
    files=(
        "__init__.py",
        "client.py",
        "errno.py",
        "packets/__init__.py",
        "packets/ack.py",
        "packets/connect.py",
        "packets/decoder.py",
        "packets/empty.py",
        "packets/fields.py",
        "packets/publish.py",
        "packets/subscribe.py",
        "packets/topic.py",
        "packets/types.py",
        "session/__init__.py",
        "session/pids.py",
        "transport/__init__.py",
        "transport/tcp.py",
    ),
    base_path="../..",
)
