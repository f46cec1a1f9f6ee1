"""`python -m harness.phones`: run the page of phones until SIGTERM."""

import sys

from aiohttp import web

from harness.phones.app import create_app
from harness.phones.settings import PhonesSettings
from shared.errors import MisconfiguredError
from shared.service import EXIT_FAILED, EXIT_MISCONFIGURED
from shared.settings import load
from shared.telemetry import configure_logging

_STOP_SECONDS = 0.5  # browsers that follow never end by themselves


def main() -> int:
    """Return the exit code."""
    try:
        settings = load(PhonesSettings)
        configure_logging("phones", settings.log_level)
        web.run_app(
            create_app(settings),
            host=settings.http_host,
            port=settings.http_port,
            access_log=None,
            print=None,
            shutdown_timeout=_STOP_SECONDS,
        )
    except MisconfiguredError as error:
        return _end(error, EXIT_MISCONFIGURED)
    except OSError as error:
        return _end(error, EXIT_FAILED)
    return 0


def _end(error: Exception, code: int) -> int:
    print(f"phones: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
