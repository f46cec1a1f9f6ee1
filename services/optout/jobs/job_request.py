"""The requests of jobs, with their records' values written field by field: a fifth of what their models take.

A test compares them with the models, byte by byte.
"""

from typing import Any, NamedTuple, TypeAlias

from services.optout.jobs.job import AccountJob
from shared.events.inbound import ErasureRequested, OptInRequested, OptInSource, OptOutRequested, OptOutSource

_RequestType: TypeAlias = type[OptOutRequested] | type[OptInRequested] | type[ErasureRequested]


class JobRequest(NamedTuple):
    """A request of a job about one recipient: its event, and the fields of that in JSON, in their order."""

    event_type: _RequestType
    fields: dict[str, Any]

    @property
    def phone(self) -> bytes:
        """The recipient's, in E.164: the key of the record."""
        phone: str = self.fields["phone"]
        return phone.encode()


def opt_out_request(  # noqa: PLR0913 (what the event has)
    job: AccountJob,
    event_id: str,
    phone: str,
    scope: str,
    source: OptOutSource,
    *,
    occurred_at: str,
    statement: str | None,
    asked_at: str | None = None,
) -> JobRequest:
    """Return the request for an opt-out; times as `format_time` has them."""
    fields = _common("opt_out_requested", job, event_id, phone, scope, occurred_at)
    return JobRequest(OptOutRequested, {**fields, "source": source, "statement": statement, "asked_at": asked_at})


def opt_in_request(  # noqa: PLR0913 (what the event has)
    job: AccountJob,
    event_id: str,
    phone: str,
    scope: str,
    source: OptInSource,
    *,
    occurred_at: str,
    statement: str,
    lifts: str,
) -> JobRequest:
    """Return the request for an opt-in that lifts what one event caused; times as `format_time` has them."""
    fields = _common("opt_in_requested", job, event_id, phone, scope, occurred_at)
    about = {"source": source, "statement": statement, "consented_at": None, "lifts": lifts}
    return JobRequest(OptInRequested, {**fields, **about})


def _common(  # noqa: PLR0913, PLR0917 (what both events have)
    event_type: str, job: AccountJob, event_id: str, phone: str, scope: str, occurred_at: str
) -> dict[str, Any]:
    return {
        "type": event_type,
        "version": 1,
        "event_id": event_id,
        "occurred_at": occurred_at,
        "account_id": job.account_id,
        "phone": phone,
        "scopes": (scope,),
        "by": job.account_id,
        "job_id": str(job.job_id),
    }
