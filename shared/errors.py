"""The three families of errors; each says what to do next.

* `PoisonError`: the record is bad. Park it with the reason and go on (`shared.parking` limits how many are parked).
* `TransientError`: something is unavailable. Back off and try again from the same offset.
* anything else is a bug: stop, keep the offset, alarm.

A few exceptions belong to no family, because the calling code handles each of them by name: a worker that lost its
partition (`FencedError`, `PositionMovedError`) or must halt (`MissingRecordsError`), a request that is refused while
it is read (`RefusedError`, `IncompleteRequestError`, `UnverifiedError`).
"""


class PoisonError(Exception):
    """A record that can never be processed; `reason` is a stable code, `detail` is for a person."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class TransientError(Exception):
    """Kafka, Postgres or a peer is unavailable or slow; trying again from the same offset repeats nothing."""


class RestartNeededError(Exception):
    """A state that only a new process gets out of: as after a bug, this one stops, keeps the offset, and alarms."""


class MisconfiguredError(Exception):
    """The service must not run like this; the text is one line that names the setting or topic and the fix."""
