"""Kafka's security settings: each way to be secured is made of them, and a wrong one is one line that names it."""

import ssl
import subprocess
from pathlib import Path

import pytest

from shared.errors import MisconfiguredError
from shared.kafka_connection import KafkaConnection
from shared.settings import KafkaSettings, load

PREFIX = "STOPLINE_KAFKA_"
LOGIN = {"SASL_USERNAME": "sender", "SASL_PASSWORD": "geheim"}


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pem")
    for name, protection in (("open", ["-nodes"]), ("locked", ["-passout", "pass:schluessel"])):
        files = ["-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt"]
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-subj", f"/CN={name}", "-days", "1"]
        subprocess.run([*command, *files, *protection], capture_output=True, check=True)
    return folder


def connection(monkeypatch: pytest.MonkeyPatch, **settings: object) -> KafkaConnection:
    monkeypatch.setenv("STOPLINE_KAFKA_BOOTSTRAP", "kafka:9092")
    for name, value in settings.items():
        monkeypatch.setenv(f"{PREFIX}{name}", str(value))
    return load(KafkaSettings).kafka


def test_without_settings_nothing_is_secured(monkeypatch: pytest.MonkeyPatch) -> None:
    assert connection(monkeypatch).options() == {"bootstrap_servers": "kafka:9092", "security_protocol": "PLAINTEXT"}


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("protocol", ["SASL_SSL", "SASL_PLAINTEXT"])
def test_a_login_reaches_the_client(protocol: str, mechanism: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = connection(monkeypatch, SECURITY_PROTOCOL=protocol, SASL_MECHANISM=mechanism, **LOGIN)
    options = made.options()
    assert (options["security_protocol"], options["sasl_mechanism"]) == (protocol, mechanism)
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("sender", "geheim")
    assert ("ssl_context" in options) == (protocol == "SASL_SSL")
    assert "geheim" not in repr(made)


def test_tls_checks_the_certificate_and_the_host_unless_it_is_switched_off(
    pem: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secured = connection(monkeypatch, SECURITY_PROTOCOL="SSL", CA_FILE=pem / "open.crt").options()["ssl_context"]
    assert (secured.verify_mode, secured.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert len(secured.get_ca_certs()) == 1  # the system's authorities are not trusted beside it
    loose = connection(monkeypatch, CHECK_HOSTNAME="false").options()["ssl_context"]
    assert (loose.verify_mode, loose.check_hostname) == (ssl.CERT_REQUIRED, False)


def test_a_client_certificate_is_read_with_its_password(pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"CERTIFICATE_FILE": pem / "locked.crt", "KEY_FILE": pem / "locked.key", "KEY_PASSWORD": "schluessel"}
    assert connection(monkeypatch, SECURITY_PROTOCOL="SSL", **files).protocol == "SSL"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"SECURITY_PROTOCOL": "TLS"}, "KAFKA_SECURITY_PROTOCOL"),
        ({"SECURITY_PROTOCOL": "SASL_SSL", "SASL_MECHANISM": "GSSAPI", **LOGIN}, "KAFKA_SASL_MECHANISM"),
        ({"SECURITY_PROTOCOL": "SASL_SSL"}, "KAFKA_SASL_USERNAME"),
        ({"SECURITY_PROTOCOL": "SASL_SSL", "SASL_USERNAME": "sender"}, "KAFKA_SASL_PASSWORD"),
        ({"SECURITY_PROTOCOL": "SSL", **LOGIN}, "KAFKA_SASL_PASSWORD"),
        ({"CA_FILE": "open.crt"}, "KAFKA_CA_FILE"),
        (LOGIN, "KAFKA_SASL_PASSWORD"),
        ({"SECURITY_PROTOCOL": "SSL", "CA_FILE": "missing.crt"}, "KAFKA_CA_FILE"),
        ({"SECURITY_PROTOCOL": "SSL", "CA_FILE": "open.key"}, "KAFKA_CA_FILE"),
        ({"SECURITY_PROTOCOL": "SSL", "KEY_FILE": "open.key"}, "KAFKA_CERTIFICATE_FILE"),
        ({"SECURITY_PROTOCOL": "SSL", "CERTIFICATE_FILE": "open.crt"}, "KAFKA_KEY_FILE"),
        ({"SECURITY_PROTOCOL": "SSL", "CERTIFICATE_FILE": "open.crt", "KEY_FILE": "locked.key"}, "KAFKA_KEY_PASSWORD"),
        ({"SECURITY_PROTOCOL": "SSL", "CHECK_HOSTNAME": "perhaps"}, "KAFKA_CHECK_HOSTNAME"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(
    settings: dict[str, str], named: str, pem: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pem)
    with pytest.raises(MisconfiguredError, match=f"STOPLINE_{named}") as error:
        connection(monkeypatch, **settings)
    assert "\n" not in str(error.value)
    assert "geheim" not in str(error.value)


def test_a_secret_may_be_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "password"
    secret.write_text("from the file\n")
    made = connection(monkeypatch, SECURITY_PROTOCOL="SASL_SSL", SASL_USERNAME="sender", SASL_PASSWORD_FILE=secret)
    assert made.login is not None
    assert made.login.password == secret.read_text().strip()


def test_a_secret_that_is_given_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MisconfiguredError, match="STOPLINE_KAFKA_SASL_PASSWORD_FILE"):
        connection(monkeypatch, SECURITY_PROTOCOL="SASL_SSL", **LOGIN, SASL_PASSWORD_FILE=tmp_path / "password")


def test_a_secrets_file_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STOPLINE_KAFKA_SASL_PASSWORD", raising=False)
    with pytest.raises(MisconfiguredError, match=r"STOPLINE_KAFKA_SASL_PASSWORD_FILE.*No such file"):
        connection(
            monkeypatch, SECURITY_PROTOCOL="SASL_SSL", SASL_USERNAME="s", SASL_PASSWORD_FILE=tmp_path / "password"
        )
