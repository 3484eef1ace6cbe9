"""An ActiveMQ Classic on 127.0.0.1, with MQTT alone."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    load_pem_private_key,
    pkcs12,
)

from tools import fetch
from tools.testkit.broker import HOST
from tools.testkit.other_brokers import PASSWORD, USER, OtherBroker

HEAP = "-Xmx192m"
RULES = {"forbidden.>": "nobody", "t.>": "all", "m.>": "all", "$umqtt2.>": "all", "ActiveMQ.Advisory.>": "all"}
CONFIGURATION = """<beans xmlns="http://www.springframework.org/schema/beans"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:schemaLocation="http://www.springframework.org/schema/beans
    http://www.springframework.org/schema/beans/spring-beans.xsd
    http://activemq.apache.org/schema/core http://activemq.apache.org/schema/core/activemq-core.xsd">
<broker xmlns="http://activemq.apache.org/schema/core" brokerName="localhost" useJmx="false" advisorySupport="false"
  dataDirectory="{folder}/data" schedulePeriodForDestinationPurge="0">
<persistenceAdapter><kahaDB directory="{folder}/data"/></persistenceAdapter>
<plugins>
<simpleAuthenticationPlugin>
<users><authenticationUser username="{user}" password="{password}" groups="all"/></users>
</simpleAuthenticationPlugin>
<authorizationPlugin><map><authorizationMap><authorizationEntries>
{rules}
</authorizationEntries></authorizationMap></map></authorizationPlugin>
</plugins>
<sslContext><sslContext keyStore="file:{folder}/server.p12" keyStorePassword="{password}" keyStoreType="PKCS12"/>
</sslContext>
<transportConnectors>
<transportConnector name="mqtt" uri="mqtt://{host}:{port}"/>
<transportConnector name="tls" uri="mqtt+ssl://{host}:{tls}"/>
</transportConnectors>
</broker>
</beans>
"""


class ActiveMQ(OtherBroker):
    """See OtherBroker. Debian's packages have no WebSocket."""

    name = "activemq"
    seconds = 90
    ready = r"Apache ActiveMQ .* started"

    def _prepare(self) -> None:
        self._listeners("tls")
        self._write_keys()
        rule = '<authorizationEntry topic="{0}" read="{1}" write="{1}" admin="{1}"/>'
        text = CONFIGURATION.format(
            folder=self._folder,
            host=HOST,
            port=self.port,
            tls=self.ports["tls"],
            user=USER,
            password=PASSWORD,
            rules="\n".join(rule.format(topic, group) for topic, group in RULES.items()),
        )
        self._write("activemq.xml", text)

    def _write_keys(self) -> None:
        # Java reads certificate and key from one file.
        key = load_pem_private_key(Path(self._pem("server-key")).read_bytes(), None)
        certificate = x509.load_pem_x509_certificate(Path(self._pem("server")).read_bytes())
        lock = BestAvailableEncryption(PASSWORD.encode())
        (self._folder / "server.p12").write_bytes(
            pkcs12.serialize_key_and_certificates(b"server", key, certificate, None, lock)  # type: ignore[arg-type]
        )

    def _command(self) -> tuple[list[str], dict[str, str]]:
        java, jars = fetch.activemq()
        settings = {
            "activemq.home": str(self._folder),
            "activemq.base": str(self._folder),
            "java.io.tmpdir": str(self._folder),
            "org.slf4j.simpleLogger.defaultLogLevel": "warn",
            "org.slf4j.simpleLogger.log.org.apache.activemq.broker.BrokerService": "info",
        }
        command = [str(java), HEAP, *(f"-D{name}={value}" for name, value in settings.items())]
        main = ["org.apache.activemq.console.Main", "start", f"xbean:file:{self._folder}/activemq.xml"]
        return [*command, "-cp", jars, *main], {}
