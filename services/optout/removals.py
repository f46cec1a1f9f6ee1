"""Records of a clean-up and of its undo: each stands for a request about each of its recipients. Pure."""

from typing import TypeAlias
from uuid import UUID

from services.optout.requests import PreferenceRequest
from shared.events.base import derived_id_text
from shared.events.inbound import OptInRequested, OptOutRequested
from shared.events.removals import RemovalsRequested, RemovalsUndone
from shared.scopes import list_scope

ListRemovals: TypeAlias = RemovalsRequested | RemovalsUndone


def request_of(event: ListRemovals, phone: str) -> PreferenceRequest:
    """Return the request about one of the event's phones: what is decided, and what the evidence has."""
    common = {
        "event_id": UUID(request_id(event, phone)),
        "occurred_at": event.occurred_at,
        "account_id": event.account_id,
        "phone": phone,
        "scopes": (list_scope(event.list_id),),
        "by": event.by,
        "job_id": event.job_id,
    }
    if isinstance(event, RemovalsRequested):
        return OptOutRequested.model_validate(
            {**common, "source": "clean_up", "statement": "clean-up: on the opt-out list"}
        )
    statement, lifts = f"undo of the clean-up {event.clean_up_id}", UUID(lifted_id(event, phone))
    return OptInRequested.model_validate({**common, "source": "undo", "statement": statement, "lifts": lifts})


def request_id(event: ListRemovals, phone: str) -> str:
    """Return the id of the request about a phone: the same whenever its part is published again."""
    of_job = removal_id if isinstance(event, RemovalsRequested) else undo_id
    return of_job(event.job_id, phone)


def lifted_id(event: ListRemovals, phone: str) -> str | None:
    """Return the id of the removal that the request about a phone lifts; None where it lifts none."""
    return removal_id(event.clean_up_id, phone) if isinstance(event, RemovalsUndone) else None


def removal_id(clean_up_id: UUID, phone: str) -> str:
    """Return the id of the request by which a clean-up takes a phone off its list."""
    return derived_id_text(clean_up_id, "clean-up", phone)


def undo_id(undo_job_id: UUID, phone: str) -> str:
    """Return the id of the request by which an undo brings a phone back to the list."""
    return derived_id_text(undo_job_id, "undo", phone)
