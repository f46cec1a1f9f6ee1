"""Records that are copied when partitions are added: whoever reads them does not wait forever."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from harness.partitions import copied_records
from shared.errors import TransientError


class HangingConsumer:
    """A consumer as after a broker's end, now and then: it polls, and gets nothing."""

    def seek(self, _: object, offset: int) -> None:
        self.at = offset

    async def position(self, _: object) -> int:
        return self.at

    async def getmany(self, **_: object) -> dict[object, object]:
        await asyncio.to_thread(int)  # the loop goes on meanwhile
        return {}


async def test_a_consumer_that_gets_nothing_ends_the_command_with_the_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = HangingConsumer()

    @asynccontextmanager
    async def assigned(*_: object) -> AsyncIterator[HangingConsumer]:
        yield hanging

    monkeypatch.setattr(copied_records, "assigned_consumer", assigned)
    monkeypatch.setattr(copied_records, "_STUCK_SECONDS", 0.0)
    settings: Any = type("Settings", (), {"kafka": None})
    with pytest.raises(TransientError, match="inbound-messages 2: nothing came from offset 5"):
        async for _ in copied_records.records_between(settings, "inbound-messages", {2: 5}, {2: 9}):
            pass
