"""A check decides only what is fresh, and only while the topics are those that the cache was read from."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from services.optout.api.check.ask import Checks
from services.optout.api.check.decide import Message
from shared.errors import TransientError
from shared.suppressions.fence_pass import FRESH_SECONDS, FencePass, boottime
from shared.suppressions.lookup import CheckedSuppressions

PHONE = "+14155550100"
MESSAGE = Message((PHONE,), 5, "ACME")


async def reading() -> list[Message]:
    return [MESSAGE]


@dataclass
class Fake:
    """A fence whose passes are as old as the test says, and a cache that has nothing."""

    ages: list[float]
    partitions: int = 6
    recreated: bool = False
    passes: list[FencePass] = field(default_factory=list)

    async def wait(self, partitions: set[int]) -> FencePass:
        passed = FencePass(datetime.now(UTC), boottime() - self.ages.pop(0), dict.fromkeys(partitions, 9))
        self.passes.append(passed)
        return passed

    def check(self, fence_pass: FencePass, queries: list[Any]) -> CheckedSuppressions:
        assert fence_pass is self.passes[-1]
        return CheckedSuppressions(fence_pass, [None for _ in queries])

    async def verify_source(self, checked: CheckedSuppressions) -> None:
        assert checked.fence_pass is self.passes[-1]
        if self.recreated:
            raise TransientError("a topic was recreated")


def checks(fake: Fake) -> Checks:
    return Checks(cast("Any", None), cast("Any", fake), cast("Any", fake))


async def test_a_decision_that_grew_too_old_is_made_again() -> None:
    fake = Fake([FRESH_SECONDS, 0.0])
    checked = await checks(fake).check("acme", reading(), [PHONE])
    assert len(fake.passes) == 2
    assert checked.fence_pass is fake.passes[1]
    assert (checked.fresh_until - checked.fence_pass.started_at).total_seconds() == FRESH_SECONDS
    assert checked.token(next(iter(checked.fence_pass.partitions))).offset == 9


async def test_the_fence_is_passed_while_the_messages_are_read() -> None:
    fake = Fake([0.0])
    read = asyncio.Event()

    async def reading_until_fenced() -> list[Message]:
        assert fake.passes, "the fence begins first: everything is as fresh as the call"
        read.set()
        return [MESSAGE]

    checked = await checks(fake).check("acme", reading_until_fenced(), [PHONE])
    assert read.is_set()
    assert fake.passes == [checked.fence_pass]


async def test_a_phone_whose_partition_was_not_known_before_has_its_fence_too() -> None:
    fake = Fake([0.0, 0.0])
    checked = await checks(fake).check("acme", reading())
    assert checked.fence_pass is fake.passes[1]
    assert len(checked.fence_pass.partitions) == 1


async def test_a_decision_for_topics_that_were_recreated_is_none() -> None:
    with pytest.raises(TransientError, match="recreated"):
        await checks(Fake([0.0], recreated=True)).check("acme", reading(), [PHONE])
