"""What rules do about other messages, on a real Kafka and Postgres, and that an opt-out is never answered (G6)."""

from typing import Any

from optout_world import NUMBER, OptOutWorld

from services.optout.rules import DEFAULT_RULES, Rule


async def with_rules(world: OptOutWorld, *more: dict[str, Any]) -> None:
    """Start the service with an account that has the default rules and more."""
    await world.service.start()
    await world.fetch("INSERT INTO accounts (account_id, name) VALUES ($1, 'Acme')", world.account_id)
    for rule in (*DEFAULT_RULES, *map(Rule.model_validate, more)):
        await world.fetch(
            "INSERT INTO rules (account_id, definition) VALUES ($1, $2::jsonb)",
            world.account_id,
            rule.model_dump_json(),
        )


REPLY = {"name": "Hours", "match": "any", "action": "AUTO_REPLY", "action_address": "We are back on Monday"}


async def test_a_question_is_answered_once_and_an_opt_out_never(world: OptOutWorld) -> None:
    await with_rules(world, REPLY)
    message_id = await world.was_sent(7)
    question = await world.says("Are you open today?", replied_message_id=message_id)
    await world.says("Hello?", replied_message_id=message_id)
    await world.fence()
    (reply,) = world.replies()
    assert (reply.list_id, reply.phone, reply.sender_number, reply.body) == (
        7,
        world.phone,
        NUMBER,
        REPLY["action_address"],
    )
    await world.says("not her, stop", replied_message_id=message_id)  # held
    await world.says("Are you sure?", replied_message_id=message_id)
    await world.says("STOP", replied_message_id=message_id)
    await world.says("Anybody there?", replied_message_id=message_id)
    await world.fence()
    assert world.replies() == [reply]
    (row,) = await world.fetch(
        "SELECT entry::json -> 'follow_ups' -> 0 ->> 1 AS rule FROM decisions WHERE event_id = $1", question.event_id
    )
    assert row["rule"] == "Hours"


async def test_a_message_of_nobody_knows_which_list_gets_no_reply(world: OptOutWorld) -> None:
    await with_rules(world, REPLY)
    await world.says("Hello?")
    await world.fence()
    assert world.replies() == []


async def test_a_contact_moves_and_an_address_is_to_be_called(world: OptOutWorld) -> None:
    await with_rules(world)
    ids = [
        (
            await world.fetch(
                "INSERT INTO contact_lists (account_id, name) VALUES ($1, $2) RETURNING list_id", world.account_id, name
            )
        )[0][0]
        for name in ("from", "to")
    ]
    await world.fetch(
        'INSERT INTO contacts (account_id, list_id, phone, fields) VALUES ($1, $2, $3, \'{"name": "Ada"}\')',
        world.account_id,
        ids[0],
        world.phone,
    )
    for rule in (
        Rule(name="vip", match_type="contains", terms=("vip",), action="MOVE_CONTACT", action_address=str(ids[1])),
        Rule(name="call", match_type="contains", terms=("vip",), action="URL", action_address="https://example.com/x"),
    ):
        await world.fetch(
            "INSERT INTO rules (account_id, definition) VALUES ($1, $2::jsonb)",
            world.account_id,
            rule.model_dump_json(),
        )
    message_id = await world.was_sent(ids[0])
    event = await world.says("I am a VIP", replied_message_id=message_id)
    await world.fence()
    contacts = await world.fetch("SELECT list_id, fields FROM contacts WHERE phone = $1", world.phone)
    assert [tuple(row) for row in contacts] == [(ids[1], '{"name": "Ada"}')]
    (call,) = await world.fetch("SELECT url, body FROM webhook_deliveries WHERE event_id = $1", event.event_id)
    assert call["url"] == "https://example.com/x"
    assert '"body": "I am a VIP"' in call["body"]
