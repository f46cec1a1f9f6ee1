"""Secrets that are short, or that everybody knows, end the start with a line that names them."""

import re
from pathlib import Path

import pytest
import yaml
from tree_of_compose import COMPOSE, compose_services

from services.inbound.settings import InboundSettings
from services.optout.api.settings import ApiSettings
from services.sender.settings import SenderSettings
from shared.errors import MisconfiguredError
from shared.settings import load

LONG = "a-secret-of-these-tests-only"
API = {
    "WEBHOOK_KEY": LONG,
    "ADMIN_TOKEN": LONG,
    "OPTOUT_DATABASE_URL": "postgresql://optout:secret@db/optout",
}
SENDER = {
    "SENDER_DATABASE_URL": "postgresql://sender:secret@db/sender",
    "CARRIER_URL": "https://carrier.example",
    "CARRIER_TOKEN": LONG,
    "CACHE_DIR": "/nowhere",
    "API_CACHE_DIR": "/nowhere",
}


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"KAFKA_BOOTSTRAP": "a:9092", "HTTP_PORT": "8081", **API, **SENDER}.items():
        monkeypatch.setenv(f"STOPLINE_{name}", value)


@pytest.mark.parametrize(
    ("settings", "name", "value"),
    [
        (InboundSettings, "WEBHOOK_KEY", "x" * 19),
        (InboundSettings, "WEBHOOK_KEY_PREVIOUS", "x"),
        (ApiSettings, "WEBHOOK_KEY", ""),
        (ApiSettings, "ADMIN_TOKEN", "operators-token"),
        (SenderSettings, "CARRIER_TOKEN", "short"),
    ],
)
def test_a_short_secret_is_named_and_not_shown(
    settings: type[InboundSettings], name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"STOPLINE_{name}", value)
    with pytest.raises(MisconfiguredError, match=f"STOPLINE_{name}: ") as error:
        load(settings)
    assert "\n" not in str(error.value)
    assert len(value) < 5 or value not in str(error.value)


@pytest.mark.parametrize(
    ("settings", "name", "value"),
    [
        (InboundSettings, "WEBHOOK_KEY", "development-webhook-key"),
        (InboundSettings, "WEBHOOK_KEY_PREVIOUS", "development-webhook-key"),
        (ApiSettings, "ADMIN_TOKEN", "Development-admin-token"),
        (ApiSettings, "OPTOUT_DATABASE_URL", "postgresql://optout:development-optout@db/optout"),
        (SenderSettings, "CARRIER_TOKEN", "development-carrier-token"),
    ],
)
def test_a_secret_that_everybody_knows_is_for_loopback_only(
    settings: type[InboundSettings], name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"STOPLINE_{name}", value)
    for host in ("127.0.0.1", "127.8.9.10", "::1", "localhost"):
        monkeypatch.setenv("STOPLINE_HTTP_HOST", host)
        load(settings)
    for host in ("0.0.0.0", "::", "", "10.0.0.1", "example.com"):  # noqa: S104
        monkeypatch.setenv("STOPLINE_HTTP_HOST", host)
        with pytest.raises(MisconfiguredError, match=f"STOPLINE_{name}: a secret that begins with 'development'"):
            load(settings)


def test_a_previous_key_is_optional_and_empty_means_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(InboundSettings).webhook_keys == (LONG,)
    monkeypatch.setenv("STOPLINE_WEBHOOK_KEY_PREVIOUS", "")
    assert load(ApiSettings).webhook_keys == (LONG,)
    monkeypatch.setenv("STOPLINE_WEBHOOK_KEY_PREVIOUS", "the-key-before-this-one")
    assert load(InboundSettings).webhook_keys == load(ApiSettings).webhook_keys == (LONG, "the-key-before-this-one")


@pytest.mark.parametrize("name", ["WEBHOOK_KEY_PREVIOUS", "GATEWAY_SECRETS"])
def test_a_secret_that_may_be_missing_may_be_in_a_file_too(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("short")
    monkeypatch.setenv(f"STOPLINE_{name}_FILE", str(tmp_path / "secret"))
    with pytest.raises(MisconfiguredError, match=f"STOPLINE_{name}: "):
        load(InboundSettings)


def test_compose_has_no_secret_of_its_own_and_publishes_no_metrics() -> None:
    text = COMPOSE.read_text()
    assert "development" not in text
    secrets = set(re.findall(r"\$\{(STOPLINE_\w*(?:PASSWORD|KEY|TOKEN))[:}-]", text))
    assert {name for name in secrets if f"${{{name}:-}}" not in text} == {
        name for name in secrets if f"${{{name}:?" in text
    }
    for name, service in compose_services().items():
        ports = [str(port) for port in service.get("ports", [])]
        assert not [port for port in ports if port.endswith(":9100")], name


def test_new_env_makes_every_secret_that_compose_requires() -> None:
    made = (COMPOSE.parent / "deploy" / "new-env").read_text()
    required = set(re.findall(r"\$\{(STOPLINE_\w+):\?", COMPOSE.read_text()))
    assert len(required) > 5
    assert sorted(name for name in required if f"\n{name}=$(secret)" not in made) == []
    assert yaml.safe_load(COMPOSE.read_text())


def test_compose_writes_no_links_before_it_knows_where_recipients_reach_their_pages() -> None:
    environment = compose_services()["sender"]["environment"]
    assert environment["STOPLINE_LINK_URL"] == "${STOPLINE_LINK_URL:-}"
    assert environment["STOPLINE_LINK_KEY"].startswith("${STOPLINE_LINK_URL:+")
