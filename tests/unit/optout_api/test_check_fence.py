"""A check decides only what is fresh, and only while the topics are those that the cache was read from."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from services.optout.api.check.ask import Checks
from services.optout.api.check.decide import Message
from shared.errors import TransientError
from shared.suppressions.fence_pass import FRESH_SECONDS, FencePass, boottime
from shared.suppressions.lookup import CheckedSuppressions

MESSAGE = Message(("+14155550100",), 5, "ACME")


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

    def check(self, fenced: FencePass, queries: list[Any]) -> CheckedSuppressions:
        assert fenced is self.passes[-1]
        return CheckedSuppressions(fenced, [None for _ in queries])

    async def confirm(self) -> None:
        if self.recreated:
            raise TransientError("a topic was recreated")


def checks(fake: Fake) -> Checks:
    return Checks(cast("Any", None), cast("Any", fake), cast("Any", fake))


async def test_a_decision_that_grew_too_old_is_made_again() -> None:
    fake = Fake([FRESH_SECONDS, 0.0])
    checked = await checks(fake).check("acme", [MESSAGE])
    assert len(fake.passes) == 2
    assert checked.fenced is fake.passes[1]
    assert (checked.fresh_until - checked.fenced.started_at).total_seconds() == FRESH_SECONDS
    assert checked.token(next(iter(checked.fenced.partitions))).offset == 9


async def test_a_decision_for_topics_that_were_recreated_is_none() -> None:
    with pytest.raises(TransientError, match="recreated"):
        await checks(Fake([0.0], recreated=True)).check("acme", [MESSAGE])
