"""What jobs publish: the same request in every try, and none of them keeps the process from its other work."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from pydantic_core import to_json

from services.optout.jobs.erasure import ERASURE, Erasure
from services.optout.jobs.job import AccountJob
from services.optout.jobs.job_request import JobRequest, opt_out_request
from services.optout.jobs.publish import LINES_AT_ONCE, RequestOfMany, requests_of
from shared.errors import TransientError
from shared.events.codec import encode
from shared.events.inbound import OptOutRequested

NOON = "2026-11-24T12:00:00.000000Z"
JOB = AccountJob(uuid4(), "demo", "clean_up", 7, {}, {}, uuid4())
PSEUDONYM = f"erased:{0:08}:{1:032}"
GIVEN = {"phone": "+14155550100", "pseudonym": PSEUDONYM, "reason": "asked for it", "by": "ada"}


class Unsure:
    """A publisher that has published, and does not know it at first."""

    def __init__(self) -> None:
        self.published: list[JobRequest] = []

    async def publish(self, requests: Sequence[JobRequest]) -> None:
        self.published += requests
        if len(self.published) == 1:
            raise TransientError("Kafka does not answer")

    async def publish_of_many(self, phones: Sequence[str], request_of: RequestOfMany) -> None:
        await self.publish([request_of(phones)])


def request_of(line: str) -> JobRequest:
    event_id = str(UUID(int=int(line)))
    return opt_out_request(JOB, event_id, "+14155550100", "account", "import", occurred_at=NOON, statement=None)


async def test_an_erasure_that_is_published_again_is_the_same_event() -> None:
    publisher = Unsure()
    erasure = Erasure(cast("Any", None), publisher)
    job = await erasure.step(AccountJob(uuid4(), "demo", ERASURE, None, GIVEN, {}, uuid4()))
    with pytest.raises(TransientError):
        await erasure.step(job)
    assert (await erasure.step(job)).place["is_decided"]
    first, second = publisher.published
    assert first == second


async def test_others_have_a_turn_while_the_requests_of_many_lines_are_made() -> None:
    made: list[str] = []
    at_turns: list[int] = []

    def make(line: str) -> JobRequest:
        made.append(line)
        return request_of(line)

    async def watch() -> None:
        while len(made) < LINES_AT_ONCE:
            at_turns.append(len(made))
            await asyncio.sleep(0)

    lines = [str(number) for number in range(LINES_AT_ONCE)]
    requests, _ = await asyncio.gather(requests_of(lines, make), watch())
    assert [UUID(each.fields["event_id"]).int for each in requests] == list(range(LINES_AT_ONCE))
    assert max(after - before for before, after in pairwise([*at_turns, LINES_AT_ONCE])) <= 250


@pytest.mark.parametrize("asked_at", [None, NOON])
def test_requests_are_written_as_their_models_would_write_them(asked_at: str | None) -> None:
    event_id = str(uuid4())
    common = {
        "event_id": UUID(event_id), "occurred_at": datetime.fromisoformat(NOON), "account_id": "demo", "by": "demo",
        "phone": "+14155550100", "scopes": ("list:7",), "job_id": JOB.job_id,
    }  # fmt: skip
    opt_out = opt_out_request(
        JOB, event_id, "+14155550100", "list:7", "clean_up", occurred_at=NOON, statement="“a”\n", asked_at=asked_at
    )
    asked = datetime.fromisoformat(asked_at) if asked_at else None
    assert opt_out.event_type is OptOutRequested
    assert to_json(opt_out.fields) == encode(
        OptOutRequested.model_validate({**common, "source": "clean_up", "statement": "“a”\n", "asked_at": asked})
    )
