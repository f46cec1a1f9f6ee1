"""What happened in an account, a line for each event, so that a failed test shows it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from stopline_pytest.outcomes import KINDS, Outcome

if TYPE_CHECKING:
    from stopline_pytest.phone import Phone
    from stopline_pytest.topic_log import Event, Seen

_MAX_LINES = 60
_MAX_BODY_CHARACTERS = 80


class Timeline:
    """The test's own actions in an account, to be shown between its events."""

    def __init__(self) -> None:
        self._notes: deque[tuple[float, str]] = deque(maxlen=_MAX_LINES)

    def note(self, text: str) -> None:
        self._notes.append((time.time(), text))

    def shown(self, events: Sequence[Seen], phones: Iterable[Phone]) -> str:
        """Return the newest lines, oldest first; times are UTC."""
        lines = [*self._notes, *((seen.at, _line(seen.event)) for seen in events[-_MAX_LINES:])]
        newest = sorted(lines, key=_milliseconds)[-_MAX_LINES:]
        left_out = len(self._notes) + len(events) - len(newest)
        return "\n".join(
            [
                *([f"  ({left_out} earlier lines are not shown)"] if left_out else []),
                *(f"  {_clock(at)}  {text}" for at, text in newest),
                *([] if newest else ["  nothing happened"]),
                *(f"  phone {phone.number}" for phone in phones if not newest),
            ]
        )


def _milliseconds(line: tuple[float, str]) -> int:
    """Return the time as Kafka has it: within one, the test's own action came first."""
    return int(line[0] * 1000)


def _line(event: Event) -> str:
    about = f"message {event.get('message_id')}"
    match event["type"]:
        case "message_requested":
            body = str(event.get("body"))[:_MAX_BODY_CHARACTERS]
            return f"{about} requested: to {event.get('phone')}, list {event.get('list_id')}, {body!r}"
        case "message_waiting":
            return f"{about} waits until {event.get('until')} ({event.get('reason')})"
        case kind if kind in KINDS:
            return f"{about} {Outcome(str(event.get('message_id')), KINDS[kind], event)}"
        case kind:
            return f"{about} {kind.removeprefix('message_')}"


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S.%f")[:-3]
