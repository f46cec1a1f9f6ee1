"""How every service starts: settings, logs, failpoints, then its application under uvicorn until SIGTERM."""

import sys
from collections.abc import Callable
from typing import TypeVar

from fastapi import FastAPI

from shared import failpoints, tracing
from shared.errors import MisconfiguredError
from shared.http import MetricsApp, lifecycle_of
from shared.settings import HttpSettings, load
from shared.telemetry import configure_logging
from shared.tracing import TracedApp
from shared.web.addresses import networks
from shared.web.limits import HttpLimits
from shared.web.server import Server, allow_open_files, server_config

SettingsT = TypeVar("SettingsT", bound=HttpSettings)

EXIT_MISCONFIGURED = 78  # EX_CONFIG of sysexits.h
EXIT_FAILED = 1
_METRICS_CONNECTIONS = 20
_OTHER_FILES = 1_000


def run_service(name: str, settings_type: type[SettingsT], create_app: Callable[[SettingsT], FastAPI]) -> int:
    """Run the service until it is asked to stop; return the exit code.

    A wrong setting or topic is one line on standard error and exit code 78, whether it is found at the start or later;
    a bug is exit code 1. The application reports both through its `Lifecycle`.
    """
    try:
        settings = load(settings_type)
        configure_logging(name, settings.log_level)
        failpoints.arm_from_environment()
        app = create_app(settings)
        end_tracing = _start_tracing(name, settings)
        server = _server(app, settings)
        lifecycle = lifecycle_of(app)
        lifecycle.stop_server = server.stop
        server.before_shutdown = lifecycle.stopping.set
        try:
            server.run()
        finally:
            end_tracing()
        if isinstance(lifecycle.ended_by, MisconfiguredError):
            raise lifecycle.ended_by
    except (MisconfiguredError, ValueError) as error:
        print(f"{name}: {error}", file=sys.stderr)  # noqa: T201 (the one line that says why it does not run)
        return EXIT_MISCONFIGURED
    return 0 if server.started and lifecycle.ended_by is None else EXIT_FAILED


def _start_tracing(name: str, settings: HttpSettings) -> Callable[[], None]:
    if not settings.traces_url:
        return lambda: None
    from shared.trace_export import start_tracing  # noqa: PLC0415 (30 MB that nobody needs without traces)

    return start_tracing(name, settings.traces_url, settings.traces_share)


def _server(app: FastAPI, settings: HttpSettings) -> Server:
    limits = HttpLimits(
        connections=settings.http_connections,
        connections_per_address=settings.http_connections_per_address,
        shared_networks=networks(settings.trusted_proxies),
    )
    allow_open_files(settings.http_connections + _OTHER_FILES)
    config = server_config(
        TracedApp(app) if tracing.is_on() else app,
        settings.http_host,
        settings.http_port,
        limits,
        [str(each) for each in networks(settings.trusted_proxies)],
    )
    if settings.metrics_port is None:
        return Server(config, None)
    few = HttpLimits(connections=_METRICS_CONNECTIONS)
    return Server(
        config, server_config(MetricsApp(lifecycle_of(app)), settings.metrics_host, settings.metrics_port, few, [])
    )
