"""Logs: one JSON object a line on standard error, phone numbers masked, times in UTC."""

import json
import logging
import re
import sys
from datetime import UTC, datetime

from shared.events.base import format_time
from shared.phones import mask
from shared.quiet_logs import quieten

_PHONE = re.compile(r"\+[1-9][0-9]{6,14}\b")


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
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _PHONE.sub(lambda found: mask(found.group()), json.dumps(line, default=str))


def configure_logging(service: str, level: str) -> None:
    """Send all logs of the process to standard error as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(service))
    quieten(handler)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("aiokafka", "uvicorn.access", "httpx"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
