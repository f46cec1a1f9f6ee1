"""Phones do not touch each other: in whatever order theirs arrive, and however they are cut into batches."""

import asyncio
from datetime import timedelta
from itertools import pairwise
from uuid import uuid5

from hypothesis import given, settings
from hypothesis import strategies as st
from memory import NOON, Crashes, MemoryDecisionLog

from services.optout.decision_log.log import Batch, EventAtOffset
from services.optout.recipient import SentMessage, Suppression
from shared.events.base import STOPLINE_NAMESPACE
from shared.events.inbound import MessageReceived

ACCOUNT = "acme"
NUMBER = "+18335550123"
PHONES = ["+14155550101", "+14155550102", "+14155550103"]
WORDS = st.lists(st.sampled_from(["STOP", "START", "hello"]), max_size=5)


def events_of(phone: str, words: list[str]) -> list[MessageReceived]:
    return [
        MessageReceived(
            event_id=uuid5(STOPLINE_NAMESPACE, f"{phone} {n}"),
            occurred_at=NOON + timedelta(minutes=n),
            account_id=ACCOUNT,
            gateway="test",
            phone=phone,
            sender_number=NUMBER,
            body=word,
        )
        for n, word in enumerate(words)
    ]


async def decide_all(events: list[MessageReceived], cuts: list[int]) -> dict[str, dict[str, Suppression]]:
    record = MemoryDecisionLog(Crashes())
    for n, phone in enumerate(PHONES):
        message = SentMessage(f"m-{n}", n + 1, NUMBER, None, "sent", NOON - timedelta(hours=1))
        record.sent[ACCOUNT, phone].append(message)
    bounds = [0, *sorted(cut % (len(events) + 1) for cut in cuts), len(events)]
    for begin, end in pairwise(bounds):
        received = [EventAtOffset(offset, events[offset]) for offset in range(begin, end)]
        await record.record(Batch(0, begin, end, received))
    return {phone: record.suppressions[ACCOUNT, phone] for phone in PHONES}


@given(
    words=st.lists(WORDS, min_size=3, max_size=3),
    order=st.randoms(use_true_random=False),
    cuts=st.lists(st.integers(0, 15), max_size=4),
)
@settings(max_examples=200, deadline=None)
def test_any_order_of_different_phones_and_any_batches_leave_the_same_state(words, order, cuts) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 (Hypothesis gives them)
    each = [events_of(phone, said) for phone, said in zip(PHONES, words, strict=True)]
    one_after_the_other = [event for events in each for event in events]
    turns = [n for n, events in enumerate(each) for _ in events]
    order.shuffle(turns)
    queues = [iter(events) for events in each]
    mixed = [next(queues[n]) for n in turns]
    expected = asyncio.run(decide_all(one_after_the_other, []))
    assert asyncio.run(decide_all(mixed, cuts)) == expected
