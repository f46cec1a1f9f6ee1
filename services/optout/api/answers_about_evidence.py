"""The answers of `/v1` about evidence and erasures."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.optout.api.answers import ShownId, ShownPage, ShownTime, V1Answer
from services.optout.jobs.job import JobState
from shared.events.suppression import SuppressionState


class ShownEntry(V1Answer):
    """An entry as it is chained: `hash` is the SHA-256 of `previous_hash` and `digest`, the SHA-256 of `entry`.

    Of an erased one `entry` is what is left, and `digest` of what it was.
    """

    partition: int
    sequence: int
    entry: str
    body: str
    previous_hash: str
    hash: str
    previous_sequence: int | None
    digest: str
    erased: bool
    intact: bool


class SuppressionInEvidence(V1Answer):
    phone: str
    scope: str
    state: SuppressionState
    cause_event_id: UUID
    changed_at: ShownTime


class ShownEvidence(ShownPage):
    """The evidence about a phone; each item of `timeline` says in `what` what it is, and has the fields of that."""

    phone: str
    timeline: Sequence[Mapping[str, Any]]
    suppressions: Sequence[SuppressionInEvidence]
    entries: Sequence[ShownEntry]


class DecidedErasure(V1Answer):
    """An erasure; `pseudonym` is what the record has in place of the phone."""

    erasure_id: ShownId
    pseudonym: str
    reason: str
    by: str | None
    decided_at: ShownTime | None


class ShownErasure(DecidedErasure):
    """An erasure with how far it is; `erased` counts what is gone."""

    state: JobState
    erased: Mapping[str, Any]
    error: str | None


class ErasurePage(ShownPage):
    erasures: Sequence[DecidedErasure]
