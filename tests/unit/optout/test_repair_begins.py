"""What is published while `suppressions` is repaired, in its order."""

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from services.optout.pipeline import repair as repairing
from services.optout.pipeline.context import Context
from services.optout.pipeline.publish import Publication
from services.optout.pipeline.session import Publishes
from shared.producer import OutgoingRecord


class Kept:
    """A publisher that keeps what it is given."""

    def __init__(self) -> None:
        self.publications: list[Publication] = []

    async def publish(self, publication: Publication) -> None:
        self.publications.append(publication)


async def test_a_watermark_of_no_session_goes_before_the_first_state(monkeypatch: pytest.MonkeyPatch) -> None:
    async def published(*_: Any) -> repairing.PublishedStates:
        return {}

    async def differences(*_: Any) -> AsyncIterator[OutgoingRecord]:
        yield OutgoingRecord(b"demo|account|+14155550100", None, [])

    monkeypatch.setattr(repairing, "_published_states", published)
    monkeypatch.setattr(repairing, "_differences", differences)
    kept = Kept()

    async def ask(*_: Any) -> None:
        return

    assert await repairing.repair(cast("Context", None), 0, cast("Publishes", kept), 7, ask) == 1
    first, second = kept.publications
    assert (first, len(second.repaired)) == (Publication(7), 1)
    assert first.account_settings_mark is None
