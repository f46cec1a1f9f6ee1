"""`python -m harness.sandbox`: run the sandbox carrier until SIGTERM."""

import asyncio
import sys

from aiohttp import web

from harness.sandbox.app import create_app
from harness.sandbox.settings import SandboxSettings
from shared.errors import MisconfiguredError
from shared.service import EXIT_FAILED, EXIT_MISCONFIGURED
from shared.settings import load
from shared.telemetry import configure_logging

_GRACEFUL_STOP_SECONDS = 2.0
_BACKLOG = 1024


def main() -> int:
    """Return the exit code."""
    try:
        settings = load(SandboxSettings)
        configure_logging("sandbox", settings.log_level)
        web.run_app(
            create_app(settings),
            host=settings.http_host,
            port=settings.http_port,
            access_log=None,
            print=None,
            backlog=_BACKLOG,
            shutdown_timeout=_GRACEFUL_STOP_SECONDS,
            loop=_new_loop(),
        )
    except MisconfiguredError as error:
        return _end(error, EXIT_MISCONFIGURED)
    except OSError as error:
        return _end(error, EXIT_FAILED)
    return 0


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def _end(error: Exception, code: int) -> int:
    print(f"sandbox: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
