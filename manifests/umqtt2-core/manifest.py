# The client over plain TCP, QoS 0 and 1.

metadata(version="0.1.0", description="MQTT 3.1.1 client: TCP, QoS 0 and 1", license="MIT")

package(
    "umqtt2",
    files=(
        "__init__.py",
        "client.py",
        "connection.py",
        "constants.py",
        "errno.py",
        "packets/__init__.py",
        "packets/decoder.py",
        "packets/fields.py",
        "packets/v311.py",
        "session/__init__.py",
        "session/packet_ids.py",
        "transport/__init__.py",
        "transport/tcp.py",
    ),
    base_path="../..",
)
