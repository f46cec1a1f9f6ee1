"""A time: written in UTC, and shown in the reader's time zone where scripts run."""

from datetime import UTC, datetime

import htpy as h


def moment(time: str | datetime | None, *, empty: str = "never") -> h.Renderable:
    """Return a time of the API, which has a zone, with minutes; all of it is shown on pointing at it."""
    if time is None:
        return h.span[empty]
    read = (datetime.fromisoformat(time) if isinstance(time, str) else time).astimezone(UTC)
    full = f"{read:%Y-%m-%d %H:%M:%S} UTC"
    return h.time(datetime=f"{read:%Y-%m-%dT%H:%M:%S.%f}Z", title=full)[f"{read.day} {read:%b %Y, %H:%M} UTC"]
