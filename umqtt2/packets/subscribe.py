"""SUBSCRIBE and UNSUBSCRIBE, for one topic filter each [3.8, 3.10]."""

from .fields import string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..hosted.contracts import Text


def subscribe(pid: "int", topic: "Text", qos: "int | None") -> "bytes":
    """Return what follows the fixed header of a SUBSCRIBE or UNSUBSCRIBE.

    pid    the packet identifier
    topic  the topic filter
    qos    the highest QoS wanted; None for an UNSUBSCRIBE
    """
    fields = pid.to_bytes(2, "big") + string(topic, "topic")
    if qos is not None:
        fields += bytes((qos,))
    return fields
