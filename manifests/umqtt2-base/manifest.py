# What every client needs: the connection, packets, TCP.

metadata(version="0.1.0", description="The connection of umqtt2", license="MIT")

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
        "start.py",
        "transport/__init__.py",
        "transport/tcp.py",
    ),
    base_path="../..",
)
