"""A sender whose carrier is an SMSC: messages go out once, and a receipt's reference settles a lost response."""

from collections.abc import AsyncIterator

import pytest
from aiosmpplib.protocol import SubmitSm
from sender_world import World
from sender_world import until as until_async
from smsc import Bound, Smsc, serving, until

from shared.smpp.references import reference_of

pytestmark = pytest.mark.timeout(180)
LOST, BUSY, NO_NUMBER = "lost", "busy", "no number"


async def say(smsc: Smsc, bound: Bound, sequence: int, sent: SubmitSm) -> None:
    """Do what the text asks for."""
    earlier = [each.short_message for each in smsc.submitted[:-1]]
    if sent.short_message.startswith(LOST):
        bound.cut()
    elif sent.short_message.startswith(BUSY) and sent.short_message not in earlier:
        bound.answer(sequence, status=0x58)
    elif sent.short_message.startswith(NO_NUMBER):
        bound.answer(sequence, status=0x0B)
    else:
        bound.answer(sequence, f"id of {sent.destination.number}")


@pytest.fixture
async def smsc(world: World) -> AsyncIterator[Smsc]:
    """The SMSC that the sender of `world` submits to."""
    async with serving(Smsc(say)) as running:
        settings = {
            "STOPLINE_CARRIER": "smpp",
            "STOPLINE_CARRIER_LIMITS": "",
            "STOPLINE_SMPP_HOST": "127.0.0.1",
            "STOPLINE_SMPP_PORT": str(running.port),
            "STOPLINE_SMPP_SYSTEM_ID": "acme",
            "STOPLINE_SMPP_PASSWORD": "sesame",
        }
        await world.sender.restart(extra_env=settings)
        yield running
        await world.sender.stop()


async def test_each_answer_of_an_smsc_becomes_its_outcome_and_nothing_is_submitted_twice(
    world: World, smsc: Smsc
) -> None:
    texts = ["plain", BUSY, NO_NUMBER, LOST]
    asked = [world.request(number, body=f"{text}. Reply STOP to opt out") for number, text in enumerate(texts)]
    plain, busy, refused, lost = asked
    await world.kafka.produce(plain, busy, refused)
    await until_async("outcomes", lambda: all(map(world.has_outcome, (plain, busy, refused))), 30)
    await world.kafka.produce(lost)
    await until_async("outcome", lambda: world.has_outcome(lost), 30)
    last = [world.kafka.published(each)[-1] for each in (plain, busy, refused)]
    assert last == ["message_sent", "message_sent", "message_failed"]
    assert world.kafka.event(plain, "message_sent").carrier_message_id == "id of 14155550000"
    assert world.kafka.event(refused, "message_failed").reason == "0x0B ESME_RINVDSTADR"
    assert world.kafka.published(lost)[-1] == "message_outcome_unknown"
    await world.kafka.receipt(lost, "known-by-now", reference=reference_of(lost.account_id, lost.message_id))
    await until_async("settled", lambda: world.kafka.published(lost)[-1] == "message_sent")
    submitted = [each.short_message.partition(".")[0] for each in smsc.submitted]
    assert sorted(submitted) == sorted([*texts, BUSY])
    await world.sender.stop()
    await until(lambda: smsc.binds[-1].unbound)
