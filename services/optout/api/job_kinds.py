"""The kinds of jobs that the API's process works on, each registered here once."""

from collections.abc import Sequence

from services.optout.api.freshness import Freshness
from services.optout.api.requests import Requests
from services.optout.jobs.contact_import import ContactImport
from services.optout.jobs.job import JobKind
from shared.postgres import Pool


def job_kinds(pool: Pool, _requests: Requests, _freshness: Freshness) -> Sequence[JobKind]:
    """Return all kinds; the pool is of the jobs, so that none of them waits for a request, nor a request for a job."""
    return (ContactImport(pool),)
