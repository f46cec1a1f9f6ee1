"""Logs: one JSON object a line on standard error, phone numbers masked, times in UTC."""

import json
import logging
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType

from shared.events.base import format_time
from shared.masking import masked, masked_value
from shared.quiet_logs import quieten

log = logging.getLogger(__name__)


class JsonFormatter(logging.Formatter):
    """A formatter that writes a log record, and what `extra={"fields": {...}}` adds, as one line of JSON."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": format_time(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "message": masked(record.getMessage()),
            **masked_value(getattr(record, "fields", {})),
        }
        if record.exc_info:
            line["exception"] = masked(self.formatException(record.exc_info))
        return json.dumps(line)


def configure_logging(service: str, level: str) -> None:
    """Send all logs of the process to standard error as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(service))
    quieten(handler)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("aiokafka", "uvicorn.access", "httpx", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda about: _log_uncaught(about.exc_type, about.exc_value, about.exc_traceback)


def _log_uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    """Write what ends the process or a thread as the rest of the log: Python's own text has numbers unmasked."""
    if error is not None and not issubclass(kind, KeyboardInterrupt | SystemExit):
        log.critical("an error that nobody caught: %r", error, exc_info=(kind, error, trace))
