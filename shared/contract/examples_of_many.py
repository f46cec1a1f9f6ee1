"""One example of each event about many recipients, with every field filled."""

from datetime import UTC, datetime
from uuid import UUID

from shared.events.base import Event
from shared.events.removals import RemovalsRequested, RemovalsUndone
from shared.events.suppression import SuppressionsChanged

_ACCOUNT, _LIST = "acme", 12
_PHONES = ("+14155550100", "+14155550105")
_CHANGED = datetime(2026, 11, 24, 11, 13, 3, 250_000, tzinfo=UTC)


def examples_of_many() -> list[Event]:
    """Return the examples: a clean-up, what it changes, and its undo."""
    clean_up_id = UUID(int=13, version=5)
    common = {"occurred_at": _CHANGED, "account_id": _ACCOUNT, "list_id": _LIST, "phones": _PHONES, "by": _ACCOUNT}
    removals = {**common, "event_id": UUID(int=14, version=5), "job_id": clean_up_id}
    undone = {**common, "event_id": UUID(int=15, version=5), "job_id": UUID(int=16, version=5)}
    return [
        RemovalsRequested.model_validate(removals),
        SuppressionsChanged(
            account_id=_ACCOUNT,
            scope=f"list:{_LIST}",
            phones=_PHONES,
            state="opted_out",
            cause_event_id=UUID(int=17, version=5),
            changed_at=_CHANGED,
        ),
        RemovalsUndone.model_validate({**undone, "clean_up_id": clean_up_id}),
    ]
