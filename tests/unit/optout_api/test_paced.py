"""Requests of jobs are published in parts, and few parts wait for the pipeline at a time: nobody's STOP waits long."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from services.optout.api.paced import AT_ONCE, MANY_AT_ONCE, PARTS, PacedRequests
from services.optout.jobs.job import AccountJob
from services.optout.jobs.job_request import JobRequest, opt_out_request
from shared.events.removals import RemovalsRequested
from shared.partitions import partition_of

PARTITIONS = 6
JOB = AccountJob(uuid4(), "acme", "opt_out_import", None, {}, {}, uuid4())
NOON = "2026-11-24T12:00:00.000000Z"


class Pipeline:
    """A pipeline that records parts after a while: both what requests are published to and what is waited for."""

    partitions = PARTITIONS

    def __init__(self) -> None:
        self.published: list[tuple[int, list[JobRequest]]] = []
        self.recorded = 0
        self.most_waiting = 0

    async def publish_in_order(self, partition: int, requests: Sequence[JobRequest]) -> int:
        self.published.append((partition, list(requests)))
        self.most_waiting = max(self.most_waiting, len(self.published) - self.recorded)
        return len(self.published)

    async def wait(self, _: Sequence[int], __: float) -> bool:
        for _ in range(10):  # others may publish meanwhile
            await asyncio.sleep(0)
        self.recorded += 1
        return True


def _request(phone: str) -> JobRequest:
    return opt_out_request(JOB, str(uuid4()), phone, "account", "import", occurred_at=NOON, statement=None)


async def test_few_parts_are_on_their_way_and_each_phone_keeps_its_order() -> None:
    pipeline: Any = Pipeline()
    events = [_request(f"+1415555{n % 900 + 1000}") for n in range(4 * AT_ONCE * PARTITIONS)]
    paced = PacedRequests(pipeline, pipeline)
    half = len(events) // 2
    await asyncio.gather(paced.publish(events[:half]), paced.publish(events[half:]))
    assert pipeline.most_waiting == PARTS
    assert all(len(part) <= AT_ONCE for _, part in pipeline.published)
    assert all(
        partition_of(each.phone.decode(), PARTITIONS) == partition
        for partition, part in pipeline.published
        for each in part
    )
    place = {event.fields["event_id"]: number for number, event in enumerate(events)}
    arrived = [event for _, part in pipeline.published for event in part]
    assert len(arrived) == len(events)
    order: dict[tuple[bool, bytes], list[int]] = defaultdict(list)
    for event in arrived:
        number = place[event.fields["event_id"]]
        order[number < half, event.phone].append(number)
    assert all(numbers == sorted(numbers) for numbers in order.values())


async def test_a_record_for_many_has_recipients_of_one_partition_and_is_the_same_when_it_is_published_again() -> None:
    pipeline: Any = Pipeline()
    paced = PacedRequests(pipeline, pipeline)
    phones = [f"+1415555{n}" for n in range(1000, 1000 + 2 * MANY_AT_ONCE * PARTITIONS)]

    def request_of(some: Sequence[str]) -> JobRequest:
        return JobRequest(RemovalsRequested, {"phones": list(some)})

    for _ in range(2):
        await paced.publish_of_many(phones, request_of)
    records = [(partition, request.fields["phones"]) for partition, part in pipeline.published for request in part]
    assert all(len(part) == 1 for _, part in pipeline.published)
    assert all(len(some) <= MANY_AT_ONCE for _, some in records)
    assert pipeline.most_waiting == 1
    assert all(partition_of(phone, PARTITIONS) == partition for partition, some in records for phone in some)
    assert sorted(phone for _, some in records for phone in some) == sorted(phones * 2)
    assert sorted(records[: len(records) // 2]) == sorted(records[len(records) // 2 :])
