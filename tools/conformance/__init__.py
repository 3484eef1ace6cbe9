"""docs/conformance.md and docs/conformance-5.md: what MQTT asks of a client, what umqtt2 does, and which tests show it.

    versions    the versions of MQTT: where the statements of each are, how tests name them, and its page
    statements  the statements, from tests/conformance/statements.ini and statements-5.ini
    markers     the tests that say `@pytest.mark.mqtt("MQTT-x.y.z-n")`, for MQTT 5 `@pytest.mark.mqtt5(...)`
    problems    where the two do not agree
    page        the document
"""
