"""The kinds of jobs that the API's process works on, each registered here once."""

from collections.abc import Sequence

from services.optout.api.freshness import Freshness
from services.optout.api.paced import PacedRequests
from services.optout.api.requests import Requests
from services.optout.jobs.clean_up import CleanUp, Undo
from services.optout.jobs.contact_import import ContactImport
from services.optout.jobs.erasure import Erasure
from services.optout.jobs.job import JobKind
from services.optout.jobs.opt_out_import import OptOutImport
from services.optout.jobs.reassignment import Reassignment
from shared.postgres import Pool


def job_kinds(pool: Pool, requests: Requests, freshness: Freshness) -> Sequence[JobKind]:
    """Return all kinds; the pool is of the jobs, so that none of them waits for a request, nor a request for a job."""
    paced = PacedRequests(requests, freshness)
    imports = ContactImport(pool), OptOutImport(pool, paced), Reassignment(pool, paced)
    return *imports, CleanUp(pool, paced), Undo(pool, paced), Erasure(pool, paced)
