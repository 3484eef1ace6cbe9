"""docs/conformance.md: what MQTT 3.1.1 asks of a client, what umqtt2 does, and which tests show it.

    statements  the statements, from tests/conformance/statements.ini
    markers     the tests that say `@pytest.mark.mqtt("MQTT-x.y.z-n")`
    problems    where the two do not agree
    page        the document
"""

from tools.paths import REPO

PAGE = REPO / "docs" / "conformance.md"
