"""The answers of `/v1` about parked records."""

from collections.abc import Sequence
from typing import Literal

from services.optout.api.answers import ShownPage, ShownTime, V1Answer


class ShownSettled(V1Answer):
    outcome: Literal["replayed", "dropped"]
    by: str
    reason: str
    at: ShownTime


class ParkedSummary(V1Answer):
    """A parked record; what it says of itself is text that any client of Kafka may have written.

    `position` is its offset in `parked-messages`, `records` the number of records that it stands for, `value_bytes` the
    size of what is kept of it. `why_not_replayed` is null where it can be replayed, `settled` where nobody has done
    anything about it.
    """

    position: int
    parked_id: str
    reason: str
    detail: str
    parked_by: str
    parked_at: str | None
    original_topic: str | None
    original_partition: str | None
    original_offset: str | None
    account_id: str | None
    gateway: str | None
    content_type: str | None
    records: str
    value_bytes: int
    text: str
    why_not_replayed: str | None
    settled: ShownSettled | None


class ParkedPage(ShownPage):
    parked: Sequence[ParkedSummary]


class ParkedHeader(V1Answer):
    name: str
    value_base64: str


class ShownParked(ParkedSummary):
    """A parked record with its bytes: up to 256 kB of its value."""

    key_base64: str | None
    value_base64: str | None
    value_is_cut: bool
    headers: Sequence[ParkedHeader]


class SettledRecord(V1Answer):
    position: int
    parked_id: str
    outcome: Literal["replayed", "dropped"]
    by: str


class OperatorSession(V1Answer):
    """A token that takes the operator's place until it expires, for reading, replaying and dropping parked records."""

    token: str
    expires_at: ShownTime
