"""A job, and the interface of a kind of job."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, Self
from uuid import UUID

JobState = Literal["waiting", "running", "done", "failed", "cancelled"]


class JobFailedError(Exception):
    """A job cannot go on, for a reason that its account can do something about: the text is for them."""


@dataclass(frozen=True, slots=True)
class AccountJob:
    """A job between two steps.

    Attributes:
        input: what was asked for; it does not change.
        place: where the next step starts from; empty before the first.
        done: how much of `total` is done, in units of the kind.
        result: what the account reads.
        wait_seconds: how long nobody works on it before the next step.
    """

    job_id: UUID
    account_id: str
    kind: str
    list_id: int | None
    input: Mapping[str, Any]
    place: Mapping[str, Any]
    claim_id: UUID
    done: int = 0
    total: int = 0
    result: Mapping[str, Any] = field(default_factory=dict)
    state: JobState = "running"
    wait_seconds: float = 0.0

    def moved(self, place: Mapping[str, Any], *, done: int | None = None, total: int | None = None) -> Self:
        """Return the job after a step."""
        return replace(
            self,
            place=place,
            done=self.done if done is None else done,
            total=self.total if total is None else total,
        )

    def counted_again(self, total: int) -> Self:
        """Return the job with progress in another unit, from its start."""
        return replace(self, done=0, total=total)

    def with_result(self, result: Mapping[str, Any]) -> Self:
        """Return the job with what its account can read already."""
        return replace(self, result=result)

    def finished(self, result: Mapping[str, Any], *, done: int | None = None) -> Self:
        """Return the job after its last step."""
        return replace(self, state="done", result=result, done=self.total if done is None else done)

    def waiting(self, seconds: float) -> Self:
        """Return the job so that its next step comes after some time."""
        return replace(self, wait_seconds=seconds)


class JobKind(Protocol):
    """One kind of job. It has no state: any process may do the next step."""

    @property
    def name(self) -> str:
        """Return the name in `jobs.kind`; it does not change."""

    async def step(self, job: AccountJob) -> AccountJob:
        """Do the next part of the work, of a second or so, and return the job after it.

        A step may be repeated: when the process dies before the returned job is saved, another does it again from the
        same `place`. Where that must not be, save the job in the transaction of the step (`store.save`).

        Raises:
            JobFailedError: the job ends, and its account reads why.
            TransientError: the step is tried again later.
        """
