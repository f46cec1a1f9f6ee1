"""What jobs publish: the same request in every try, and none of them keeps the process from its other work."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from services.optout.jobs.erasure import ERASURE, Erasure
from services.optout.jobs.job import AccountJob
from services.optout.jobs.publish import LINES_AT_ONCE, JobRequest, requests_of
from shared.errors import TransientError
from shared.events.inbound import OptOutRequested

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
PSEUDONYM = f"erased:{0:08}:{1:032}"
GIVEN = {"phone": "+14155550100", "pseudonym": PSEUDONYM, "reason": "asked for it", "by": "ada"}


class Unsure:
    """A publisher that has published, and does not know it at first."""

    def __init__(self) -> None:
        self.published: list[JobRequest] = []

    async def publish(self, events: Sequence[JobRequest]) -> None:
        self.published += events
        if len(self.published) == 1:
            raise TransientError("Kafka does not answer")


def request_of(line: str) -> OptOutRequested:
    return OptOutRequested(
        event_id=UUID(int=int(line)), occurred_at=NOON, account_id="demo", phone="+14155550100", scopes=("account",),
        by="ada", source="import",
    )  # fmt: skip


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

    def make(line: str) -> OptOutRequested:
        made.append(line)
        return request_of(line)

    async def watch() -> None:
        while len(made) < LINES_AT_ONCE:
            at_turns.append(len(made))
            await asyncio.sleep(0)

    lines = [str(number) for number in range(LINES_AT_ONCE)]
    requests, _ = await asyncio.gather(requests_of(lines, make), watch())
    assert [each.event_id.int for each in requests] == list(range(LINES_AT_ONCE))
    assert max(after - before for before, after in pairwise([*at_turns, LINES_AT_ONCE])) <= 250
