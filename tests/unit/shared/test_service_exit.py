"""The exit code of a service that an error ends while it runs: one for all services, whoever notices the error."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import services.inbound.app
import services.inbound.poll.app
import services.inbound.smpp.app
import services.optout.api.app
import services.optout.app
import services.optout.links.app
import services.sender.app
from services.inbound.poll.settings import PollSettings
from services.inbound.settings import InboundSettings
from services.inbound.smpp.settings import ReceiverSettings
from services.optout.api.settings import ApiSettings
from services.optout.links.settings import LinksSettings
from services.optout.settings import OptOutSettings
from services.sender.settings import SenderSettings
from shared.background import GiveUp, in_background
from shared.errors import MisconfiguredError, RestartNeededError
from shared.service import EXIT_FAILED, EXIT_MISCONFIGURED, run_service
from shared.settings import ServiceSettings

SETTINGS = {
    "KAFKA_BOOTSTRAP": "127.0.0.1:1",
    "WEBHOOK_KEY": "the-webhook-key-of-these-tests-only",
    "ADMIN_TOKEN": "the-admin-token-of-these-tests-only",
    "OPTOUT_DATABASE_URL": "postgresql://somebody@127.0.0.1:1/optout",
    "SENDER_DATABASE_URL": "postgresql://somebody@127.0.0.1:1/sender",
    "CARRIER_URL": "http://127.0.0.1:1",
    "CARRIER_TOKEN": "the-carrier-token-of-these-tests-only",
}
SERVICES = {
    "inbound": (services.inbound.app, InboundSettings),
    "optout": (services.optout.app, OptOutSettings),
    "api": (services.optout.api.app, ApiSettings),
    "links": (services.optout.links.app, LinksSettings),
    "poll": (services.inbound.poll.app, PollSettings),
    "smpp": (services.inbound.smpp.app, ReceiverSettings),
    "sender": (services.sender.app, SenderSettings),
}


def running_until(error: Exception) -> Callable[..., Any]:
    """Return a `running` whose background work ends with the error once the service has started."""

    async def fail() -> None:
        raise error

    @asynccontextmanager
    async def running(_: ServiceSettings, give_up: GiveUp) -> AsyncIterator[object]:
        async with in_background(fail(), "work", give_up):
            yield object()

    return running


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("shared.service.configure_logging", lambda *_: None)  # it would outlive the test
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for name, value in {
        **SETTINGS,
        "HTTP_PORT": str(port),
        "CACHE_DIR": str(tmp_path),
        "API_CACHE_DIR": str(tmp_path),
    }.items():
        monkeypatch.setenv(f"STOPLINE_{name}", value)


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MisconfiguredError("the login is refused"), EXIT_MISCONFIGURED),
        (RestartNeededError("a topic was recreated"), EXIT_FAILED),
        (AssertionError("a bug"), EXIT_FAILED),
    ],
    ids=lambda each: each if isinstance(each, int) else type(each).__name__,
)
def test_an_error_while_a_service_runs_ends_it_as_at_the_start(
    name: str, error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app, settings_type = SERVICES[name]
    monkeypatch.setattr(app, "running", running_until(error))
    assert run_service(name, settings_type, app.create_app) == code
    assert capsys.readouterr().err == (f"{name}: {error}\n" if code == EXIT_MISCONFIGURED else "")
