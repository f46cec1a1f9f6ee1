"""`python -m services.inbound`: exit code 0 after SIGTERM or SIGINT, 78 when settings or topics are wrong."""

import signal
import sys
from typing import NoReturn

import uvicorn

from services.inbound.app import create_app
from services.inbound.settings import InboundSettings
from shared.errors import MisconfiguredError
from shared.failpoints import arm_from_environment
from shared.settings import load
from shared.telemetry import configure_logging

EXIT_MISCONFIGURED = 78  # EX_CONFIG of sysexits.h
_GRACEFUL_SECONDS = 5
_KEEP_ALIVE_SECONDS = 60


def main() -> int:
    """Run the service until it is told to end."""
    try:
        settings = load(InboundSettings)
        arm_from_environment()
    except (MisconfiguredError, ValueError) as error:
        return _misconfigured(error)
    configure_logging("inbound", settings.log_level)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)  # uvicorn raises the signal again after its graceful stop
    return _serve(settings)


def _serve(settings: InboundSettings) -> int:
    failures: list[Exception] = []

    def give_up(error: Exception) -> None:
        failures.append(error)
        server.should_exit = True

    server = uvicorn.Server(_config(settings, create_app(settings, give_up)))
    server.run()
    return _misconfigured(failures[0]) if failures else 0


def _config(settings: InboundSettings, app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        host=settings.http_host,
        port=settings.http_port,
        loop="uvloop",
        http="httptools",
        lifespan="on",
        log_config=None,
        access_log=False,  # addresses hold secrets
        server_header=False,
        proxy_headers=False,  # nobody asks who the client was
        timeout_graceful_shutdown=_GRACEFUL_SECONDS,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )


def _misconfigured(error: Exception) -> int:
    print(f"stopline inbound: {error}", file=sys.stderr)  # noqa: T201 (the one line that says why it did not start)
    return EXIT_MISCONFIGURED


def _end(*_: object) -> NoReturn:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
