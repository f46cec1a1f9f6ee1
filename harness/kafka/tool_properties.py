"""A connection as the properties of Kafka's own tools, for their `--command-config`."""

from pathlib import Path

from shared.kafka_connection import KafkaConnection, Login, Tls

_MODULES = {
    "PLAIN": "org.apache.kafka.common.security.plain.PlainLoginModule",
    "SCRAM-SHA-256": "org.apache.kafka.common.security.scram.ScramLoginModule",
    "SCRAM-SHA-512": "org.apache.kafka.common.security.scram.ScramLoginModule",
}


def tool_properties(kafka: KafkaConnection) -> str:
    """Return the text of the file; it has secrets."""
    properties: dict[str, str] = {"security.protocol": kafka.protocol}
    if kafka.login is not None:
        properties |= _login(kafka.login)
    if kafka.tls is not None:
        properties |= _tls(kafka.tls)
    return "".join(f"{name}={_escaped(value)}\n" for name, value in properties.items())


def _login(login: Login) -> dict[str, str]:
    user, password = (text.replace("\\", "\\\\").replace('"', '\\"') for text in (login.username, login.password))
    return {
        "sasl.mechanism": login.mechanism,
        "sasl.jaas.config": f'{_MODULES[login.mechanism]} required username="{user}" password="{password}";',
    }


def _tls(tls: Tls) -> dict[str, str]:
    properties = {"ssl.endpoint.identification.algorithm": "https" if tls.check_hostname else ""}
    if tls.ca_file is not None:
        properties |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": str(tls.ca_file.absolute())}
    if tls.certificate_file is not None:
        key = tls.key_file or tls.certificate_file
        properties |= {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.certificate.chain": tls.certificate_file.read_text(),
            "ssl.keystore.key": key.read_text(),
        }
    if tls.key_password is not None:
        properties["ssl.key.password"] = tls.key_password
    return properties


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")


def write_properties(kafka: KafkaConnection, folder: Path) -> Path:
    """Write the file, for this user only, and return where it is."""
    path = folder / "client.properties"
    path.touch(mode=0o600)
    path.write_text(tool_properties(kafka))
    return path
