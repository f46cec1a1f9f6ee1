"""What goes to another partition because its number is written differently by now, and what must not."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from recipients import NOON, NUMBER

from services.optout.clicks import LinkOptIn, SentLink, request_of
from services.optout.decide import DecidableEvent
from services.optout.decision_log.log import EventAtOffset
from services.optout.pipeline.forward import Forwarder
from services.optout.pipeline.parse import Parsed
from services.optout.policies.width import NO_POLICY
from services.optout.removals import request_id
from shared.events.inbound import LinkConfirmed, LinkUndone
from shared.events.removals import RemovalsRequested

LINK_END = "4fQz0Yb7TnK"
OLD, NEW = "+5215512345678", "+525512345678"
LINK = SentLink("demo", "m-1", 7, OLD, NUMBER)


class SomeSettings:
    """What a forwarder needs to know; it never connects here."""

    partitions = 6
    kafka: Any = None


async def test_a_click_goes_to_the_partition_of_its_number_and_an_undo_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[DecidableEvent] = []

    async def note(_: Forwarder, event: DecidableEvent, *__: object) -> None:
        published.append(event)

    monkeypatch.setattr(Forwarder, "_publish", note)
    settings: Any = SomeSettings()
    clicks = (
        LinkConfirmed(event_id=uuid4(), occurred_at=NOON, token=LINK_END),
        LinkUndone(event_id=uuid4(), occurred_at=NOON, token=LINK_END),
    )
    received = [EventAtOffset(offset, request_of(each, LINK, NO_POLICY)) for offset, each in enumerate(clicks)]
    no_pool: Any = None
    parsed = await Forwarder(settings, no_pool).forward(Parsed(0, 2, received))
    assert [event.phone for event in published] == [NEW]
    assert [type(each.event) for each in parsed.received] == [LinkOptIn]


async def test_of_a_record_for_many_an_old_spelling_goes_to_its_partition_and_the_others_are_decided_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published: list[DecidableEvent] = []

    async def note(_: Forwarder, event: DecidableEvent, *__: object) -> None:
        published.append(event)

    monkeypatch.setattr(Forwarder, "_publish", note)
    settings: Any = SomeSettings()
    no_pool: Any = None
    common = {"event_id": uuid4(), "occurred_at": NOON, "account_id": "demo", "list_id": 7, "by": "ada"}
    removals = RemovalsRequested.model_validate({**common, "job_id": uuid4(), "phones": (OLD, "+14155550100")})
    plain = RemovalsRequested.model_validate({**common, "job_id": uuid4(), "phones": ("+14155550100",)})
    forwarder = Forwarder(settings, no_pool)
    parsed = await forwarder.forward(Parsed(4, 5, [], removals=removals))
    assert [(event.phone, event.event_id) for event in published] == [(NEW, UUID(request_id(removals, OLD)))]
    assert [(each.offset, each.event.phone) for each in parsed.received] == [(4, "+14155550100")]
    assert parsed.removals is None
    assert (await forwarder.forward(Parsed(5, 6, [], removals=plain))).removals == plain


async def test_a_click_on_a_link_of_before_more_partitions_goes_to_the_one_that_its_phone_has_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published: list[tuple[object, bytes, int]] = []

    async def note(_: Forwarder, event: DecidableEvent, key: bytes, partition: int) -> None:
        published.append((event, key, partition))

    monkeypatch.setattr(Forwarder, "_publish", note)
    settings: Any = SomeSettings()
    no_pool: Any = None
    click = LinkConfirmed(event_id=uuid4(), occurred_at=NOON, token=LINK_END)
    await Forwarder(settings, no_pool).forward(Parsed(0, 1, [], elsewhere=[(4, click)]))
    assert published == [(click, LINK_END.encode(), 4)]
