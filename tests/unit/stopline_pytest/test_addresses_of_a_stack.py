import json
from pathlib import Path

import pytest

from stopline_pytest import Addresses, StoplineError

WHOLE = {
    "api_url": "http://127.0.0.1:1",
    "inbound_url": "http://127.0.0.1:2",
    "sandbox_url": "http://127.0.0.1:3",
    "kafka_bootstrap": "127.0.0.1:4",
    "admin_token": "secret",
}


def test_what_status_prints_is_read_whatever_else_it_has(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text(json.dumps({**WHOLE, "running": True, "kafka_settings": {}, "pid": 7}))
    found = Addresses.read(tmp_path / "stack.json")
    assert (found.kafka_bootstrap, found.admin_token) == ("127.0.0.1:4", "secret")
    assert "secret" not in repr(found)


@pytest.mark.parametrize("text", ["", "[]", '{"api_url": ""}', '{"api_url": 7}'])
def test_a_file_without_the_addresses_is_an_error_that_says_so(text: str, tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text(text)
    with pytest.raises(StoplineError, match="addresses"):
        Addresses.read(tmp_path / "stack.json")


def test_a_missing_setting_of_an_external_stack_is_named() -> None:
    given = {f"STOPLINE_{name.upper()}": value for name, value in WHOLE.items()}
    assert Addresses.from_environment(given).sandbox_url == "http://127.0.0.1:3"
    del given["STOPLINE_SANDBOX_URL"]
    with pytest.raises(StoplineError, match="set STOPLINE_SANDBOX_URL, or name a file"):
        Addresses.from_environment(given)


def test_a_secured_kafka_is_reached_by_stoplines_own_settings() -> None:
    kafka = {
        "STOPLINE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "STOPLINE_KAFKA_SASL_USERNAME": "tests",
        "STOPLINE_KAFKA_SASL_PASSWORD": "secret",
        "STOPLINE_KAFKA_CHECK_HOSTNAME": "false",
    }
    assert Addresses.parse({**WHOLE, "kafka_settings": kafka}).kafka_config() == {
        "bootstrap.servers": "127.0.0.1:4",
        "log_level": 2,
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "tests",
        "sasl.password": "secret",
        "ssl.endpoint.identification.algorithm": "none",
    }
