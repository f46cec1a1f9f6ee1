"""The settings of each process of a stack, as environment variables."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import harness
from harness.account import DEMO_ACCOUNT_ID, Account
from harness.stack.backend import Backend
from harness.stack.kafka_address import as_environment
from harness.stack.shared_secrets import SharedSecrets
from shared.settings import KafkaSettings
from shared.webhook_secrets import webhook_secret

MODULES = {
    "inbound": "services.inbound",
    "optout": "services.optout",
    "api": "services.optout.api",
    "sender": "services.sender",
    "links": "services.optout.links",
    "poll": "services.inbound.poll",
    "dashboard": "services.dashboard",
    "sandbox": "harness.sandbox",
    "phones": "harness.phones",
}
"""The modules that `python -m` runs for each."""
_PASSED_ON = (
    "STOPLINE_UNPROTECTED_RECORD", "STOPLINE_REACH_POLICIES_FILE", "STOPLINE_TRACES_URL", "STOPLINE_TRACES_SHARE",
)  # fmt: skip
"""Settings that somebody with a database of their own, or for another date, may need."""


@dataclass(frozen=True)
class StackContext:
    """The addresses and secrets that the processes of a stack share."""

    backend: Backend
    kafka: KafkaSettings
    secrets: SharedSecrets
    inbound_url: str
    sandbox_url: str
    links_url: str = ""
    watched: Mapping[str, str] = field(default_factory=dict)
    """The services whose health the dashboard shows, by name."""
    api_url: str = ""
    dashboard_url: str = ""


def sandbox_environment(secrets: SharedSecrets, port: int) -> dict[str, str]:
    """Return the environment of the sandbox carrier, which needs neither Kafka nor a database."""
    return _process(port) | {"STOPLINE_SANDBOX_TOKEN": secrets.carrier_token}


def phones_environment(account: Account, context: StackContext, port: int, health: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the page of phones; `health` are the addresses of the services that it looks at."""
    return {
        **_process(port),
        **as_environment(context.kafka),
        "STOPLINE_PHONES_SANDBOX_URL": context.sandbox_url,
        "STOPLINE_PHONES_API_URL": context.api_url,
        "STOPLINE_PHONES_INBOUND_URL": context.inbound_url,
        "STOPLINE_PHONES_LINK_URL": context.links_url,
        "STOPLINE_PHONES_DASHBOARD_URL": context.dashboard_url,
        "STOPLINE_PHONES_HEALTH": json.dumps(dict(health)),
        "STOPLINE_PHONES_ACCOUNT_ID": account.account_id,
        "STOPLINE_PHONES_API_KEY": account.api_key,
    }


def service_environment(service: str, context: StackContext, port: int, cache_folder: Path) -> dict[str, str]:
    """Return the environment of one instance of a service: only what it needs, as in a deployment."""
    if service == "dashboard":
        return _process(port) | _dashboard(context)
    return {
        **_process(port),
        **as_environment(context.kafka),
        **_own(service, context, cache_folder),
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
    }


def _own(service: str, context: StackContext, cache_folder: Path) -> dict[str, str]:
    return {
        "inbound": {
            "STOPLINE_WEBHOOK_KEY": context.secrets.webhook_key,
            "STOPLINE_GATEWAY_SECRETS": json.dumps({DEMO_ACCOUNT_ID: _demo_gateways(context)}),
        },
        "optout": {"STOPLINE_OPTOUT_DATABASE_URL": context.backend.optout_pipeline_url},
        "api": {
            "STOPLINE_WEBHOOK_KEY": context.secrets.webhook_key,
            "STOPLINE_ADMIN_TOKEN": context.secrets.admin_token,
            "STOPLINE_ERASURE_KEY": context.secrets.erasure_key,
            "STOPLINE_OPTOUT_DATABASE_URL": context.backend.optout_api_url,
            "STOPLINE_PUBLIC_INBOUND_URL": context.inbound_url,
            "STOPLINE_LINK_URL": context.links_url,
            # A stack on a developer's machine is down most of the time: nothing is to wait for it to be caught up with.
            "STOPLINE_CATCH_UP_WAIT_SECONDS": "0",
            "STOPLINE_API_CACHE_DIR": str(cache_folder),
            "STOPLINE_DASHBOARD_TOKEN": context.secrets.dashboard_token,
        },
        "sender": {
            "STOPLINE_SENDER_DATABASE_URL": context.backend.sender_database_url,
            "STOPLINE_CARRIER_URL": context.sandbox_url,
            "STOPLINE_CARRIER_TOKEN": context.secrets.carrier_token,
            "STOPLINE_CACHE_DIR": str(cache_folder),
            "STOPLINE_LINK_URL": context.links_url,
            # A stack on a developer's machine is down most of the time: nothing is to wait for it to be caught up with.
            "STOPLINE_CATCH_UP_WAIT_SECONDS": "0",
            "STOPLINE_LINK_KEY": context.secrets.link_key if context.links_url else "",
        },
        "poll": {
            "STOPLINE_GATEWAY_API_KEYS": json.dumps({DEMO_ACCOUNT_ID: _api_of_the_sandbox(context)}),
            "STOPLINE_POLL_SECONDS": "2",
        },
        "links": {"STOPLINE_OPTOUT_DATABASE_URL": context.backend.optout_links_url},
    }[service]


def _dashboard(context: StackContext) -> dict[str, str]:
    """Return the settings of the dashboard, which reaches nothing but the API, and asks the others how they are."""
    watched = ",".join(f"{name}={url}" for name, url in context.watched.items())
    return {
        "STOPLINE_API_URL": context.watched["api"],
        "STOPLINE_DASHBOARD_TOKEN": context.secrets.dashboard_token,
        "STOPLINE_WATCHED_SERVICES": watched,
    }


def _demo_gateways(context: StackContext) -> dict[str, object]:
    """Return the gateways of the demo account: Twilio signs with the secret of its addresses, others do not sign."""
    token = webhook_secret(context.secrets.webhook_key, DEMO_ACCOUNT_ID)
    return {"twilio": {"auth_token": token}, "clicksend": "unsigned", "generic": "unsigned"}


def _api_of_the_sandbox(context: StackContext) -> dict[str, object]:
    """Return the credential with which the messages of the demo account are listed at the sandbox."""
    key = {"username": DEMO_ACCOUNT_ID, "api_key": context.secrets.carrier_token, "base_url": context.sandbox_url}
    return {"clicksend": key}


def _process(port: int) -> dict[str, str]:
    """Return our environment without our own settings, with the code on the path wherever the process runs."""
    inherited: Mapping[str, str] = {
        name: value for name, value in os.environ.items() if not name.startswith("STOPLINE_")
    }
    code = str(Path(harness.__file__).parents[1])
    return {
        **inherited,
        "PYTHONPATH": os.pathsep.join(filter(None, [code, inherited.get("PYTHONPATH", "")])),
        "PYTHONUTF8": "1",  # files and output are UTF-8, whatever the locale
        "STOPLINE_HTTP_PORT": str(port),
    }
