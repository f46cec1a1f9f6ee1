"""How every service starts: settings, logs, failpoints, then its application under uvicorn until SIGTERM."""

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import uvicorn

from shared import failpoints
from shared.errors import MisconfiguredError
from shared.settings import ServiceSettings, load
from shared.telemetry import configure_logging

SettingsT = TypeVar("SettingsT", bound=ServiceSettings)

EXIT_MISCONFIGURED = 78  # EX_CONFIG of sysexits.h
EXIT_FAILED = 1
_GRACEFUL_STOP_SECONDS = 10
_MAX_HEADER_BYTES = 16 * 1024


def run_service(name: str, settings_type: type[SettingsT], create_app: Callable[[SettingsT], Any]) -> int:
    """Run the service until it is told to stop; return the exit code.

    A wrong setting or topic is one line on standard error and exit code 78. The application says that its start cannot
    be (`app.state.misconfigured`) or that it met a bug (`app.state.failed`, exit code 1), and calls `app.state.stop()`.
    """
    try:
        settings = load(settings_type)
        configure_logging(name, settings.log_level)
        failpoints.arm_from_environment()
        app = create_app(settings)
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                host=settings.http_host,
                port=settings.http_port,
                log_config=None,
                access_log=False,
                server_header=False,
                h11_max_incomplete_event_size=_MAX_HEADER_BYTES,
                timeout_graceful_shutdown=_GRACEFUL_STOP_SECONDS,
            )
        )
        app.state.stop = lambda: setattr(server, "should_exit", True)
        server.run()
    except (MisconfiguredError, ValueError) as error:
        return _end(name, str(error), EXIT_MISCONFIGURED)
    misconfigured = getattr(app.state, "misconfigured", None)
    if misconfigured:
        return _end(name, misconfigured, EXIT_MISCONFIGURED)
    return 0 if server.started and not getattr(app.state, "failed", None) else EXIT_FAILED


def _end(name: str, text: str, code: int) -> int:
    print(f"{name}: {text}", file=sys.stderr)  # noqa: T201 (the one line that says why it did not start)
    return code
