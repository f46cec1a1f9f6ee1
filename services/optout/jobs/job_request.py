"""The requests of jobs. Those about one recipient are written field by field: a fifth of what their models take.

A test compares them with the models, byte by byte.
"""

from typing import Any, NamedTuple, TypeAlias

from services.optout.jobs.job import AccountJob
from shared.events.inbound import ErasureRequested, OptOutRequested, OptOutSource
from shared.events.removals import RemovalsRequested, RemovalsUndone

_RequestType: TypeAlias = (
    type[OptOutRequested] | type[ErasureRequested] | type[RemovalsRequested] | type[RemovalsUndone]
)


class JobRequest(NamedTuple):
    """A request of a job, of one recipient or of many: its event, and the fields of that in JSON, in their order."""

    event_type: _RequestType
    fields: dict[str, Any]

    @property
    def phone(self) -> bytes:
        """The recipient's, or the first one's, in E.164: the key of the record."""
        phone: str = self.fields["phone"] if "phone" in self.fields else self.fields["phones"][0]
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
    fields = {
        "type": "opt_out_requested",
        "version": 1,
        "event_id": event_id,
        "occurred_at": occurred_at,
        "account_id": job.account_id,
        "phone": phone,
        "scopes": (scope,),
        "by": job.account_id,
        "job_id": str(job.job_id),
        "source": source,
        "statement": statement,
        "asked_at": asked_at,
    }
    return JobRequest(OptOutRequested, fields)
