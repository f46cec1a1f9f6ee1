"""What has no way out does not leave; what the sender cannot judge waits (G7, G4)."""

import httpx
from sender_world import World, until

from harness.certificates import certificates
from shared.events.outbound import MessageRequested
from shared.events.suppression import ListPublished

APPENDS = {"policy": "append", "instruction": "Reply STOP to opt out"}


async def rejected(world: World, asked: MessageRequested) -> tuple[str, str]:
    """Return reason and detail of a message that is rejected; the carrier was not called."""
    await world.kafka.produce(asked)
    await until("it has an outcome", lambda: world.has_outcome(asked))
    assert world.kafka.published(asked) == ["message_rejected"]
    assert asked.message_id not in await world.calls()
    event = world.kafka.event(asked, "message_rejected")
    return event.reason, event.detail


async def test_a_list_that_the_account_does_not_have_is_rejected_whosever_it_is(world: World) -> None:
    await world.opt_out.account(f"{world.account_id}-other", [9])
    for number, list_id in enumerate((99_999, 9)):
        reason, detail = await rejected(world, world.request(number, list_id=list_id))
        assert (reason, f"no list {list_id}" in detail) == ("unknown_list", True)
    unknown_account = world.request(3, account_id=f"{world.account_id}-nobody")
    assert (await rejected(world, unknown_account))[0] == "unknown_list"


async def test_a_message_without_a_way_out_that_works_is_rejected_once_and_for_good(world: World) -> None:
    words = {"*": ("stop",), "+14155550111": ("alto",)}
    await world.opt_out.account(world.account_id, words=words)
    assert (await rejected(world, world.request(1, body="Sale today.")))[0] == "no_way_out"
    alto = "Venta. Responde ALTO para cancelar"
    assert (await rejected(world, world.request(2, body=alto)))[0] == "word_without_rule"
    passes = world.request(3, body=alto, sender_number="+14155550111")
    again = world.request(1, body="Sale today. Reply STOP to opt out")
    await world.kafka.produce(passes, again)
    await until("it is sent", lambda: world.kafka.published(passes)[-1:] == ["message_sent"])
    await until("reported again", lambda: world.kafka.times_published(again, "message_rejected") > 1)
    assert world.kafka.published(again) == ["message_rejected"]


async def test_what_is_appended_is_sent_announced_and_counted(world: World) -> None:
    await world.opt_out.account(world.account_id, **APPENDS)
    asked, dead = world.request(1, body="x" * 150), world.request(2, body="Reply BANANA to opt out")
    await world.kafka.produce(asked)
    await until("it is sent", lambda: world.kafka.published(asked)[-1:] == ["message_sent"])
    (message,) = [each for each in await world.sandbox.messages(asked.phone) if each["account_id"] == world.account_id]
    assert message["body"] == f"{asked.body} Reply STOP to opt out"
    announced = world.kafka.event(asked, "message_dispatching")
    assert (announced.segments, "Reply STOP to opt out" in announced.instruction) == (2, True)
    assert (await rejected(world, dead))[0] == "word_without_rule"


async def test_answers_leave_without_one_only_where_the_account_says_so(world: World) -> None:
    answer = world.request(1, body="We open at nine.", conversational=True)
    assert (await rejected(world, answer))[0] == "no_way_out"
    await world.opt_out.account(world.account_id, exempts_conversational=True)
    assert (await rejected(world, world.request(2, body="We open at nine.")))[0] == "no_way_out"
    exempt = world.request(3, body="We open at nine.", conversational=True)
    await world.kafka.produce(exempt)
    await until("it is sent", lambda: world.kafka.published(exempt)[-1:] == ["message_sent"])


async def test_messages_wait_while_settings_are_not_those_that_the_watermark_vouches_for(world: World) -> None:
    asked = world.request(1, list_id=8)
    await world.opt_out.forge(ListPublished(account_id=world.account_id, list_id=8, epoch="e" * 16, exists=True))
    await world.kafka.produce(asked)

    async def says_why() -> bool:
        async with httpx.AsyncClient(verify=certificates()) as http:
            answer = await http.get(f"{world.sender.url}/health/ready")
        return answer.status_code == 503 and "accounts' settings of partition" in answer.text

    await until("the sender says why it waits", says_why)
    assert not world.has_outcome(asked)
    assert await world.calls() == []
    await world.opt_out.account(world.account_id, [7, 8])
    await until("it is sent", lambda: world.kafka.published(asked)[-1:] == ["message_sent"])
