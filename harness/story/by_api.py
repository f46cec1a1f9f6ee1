"""The part of the story that customers play by the API: an opt-out by hand, a check, a clean-up, and the evidence."""

import asyncpg

from harness.evidence.anchors import read_anchors
from harness.evidence.live import check_chain
from harness.story.claims import StoryClaims, require
from harness.story.stage import SENDER_NUMBER, Stage, any_phone
from shared.partitions import partition_of
from shared.scopes import list_scope

_WORDS = "Please take me off your newsletter."
_LOCK_SECONDS = 5


async def play_by_api(claims: StoryClaims, stage: Stage) -> None:
    """Play it once, with somebody new who is on both lists."""
    caller = any_phone()
    await _opt_out_by_hand(claims, stage, caller)
    await _clean_up(claims, stage, caller)
    await _evidence(claims, stage, caller)


async def _opt_out_by_hand(claims: StoryClaims, stage: Stage, caller: str) -> None:
    async with claims.claim("an opt-out entered by hand is on the opt-out list with what was said", is_needed=True):
        for list_id in (stage.newsletter, stage.receipts):
            await stage.api.add_contacts(list_id, [caller])
        answer = await stage.api.opt_out_by_hand(caller, stage.newsletter, _WORDS)
        require(answer["in_effect"] and answer["changed"] == [list_scope(stage.newsletter)], answer)
        found = [(each["list_id"], each["cause"]["body"]) for each in await stage.api.opt_outs(caller)]
        require(found == [(stage.newsletter, _WORDS)], found)
    async with claims.claim("a check before sending forbids that list and allows the other"):
        decisions = await stage.api.check(caller, SENDER_NUMBER, [stage.newsletter, stage.receipts])
        require([each["allowed"] for each in decisions] == [False, True], decisions)
        require(decisions[0]["reason"]["code"] == "opted_out", decisions)


async def _clean_up(claims: StoryClaims, stage: Stage, caller: str) -> None:
    async with claims.claim("a clean-up takes the number off the other list, and a check forbids that one too"):
        clean_up = await stage.api.clean_up(stage.receipts)
        require(clean_up["result"]["opt_outs"] >= 1, clean_up)
        statuses = [await stage.api.contact_status(stage.receipts, phone) for phone in (caller, stage.phone)]
        require(statuses == ["opted_out", "active"], statuses)
        decisions = await stage.api.check(caller, SENDER_NUMBER, [stage.receipts])
        require(not decisions[0]["allowed"], decisions)
    async with claims.claim("undoing the clean-up puts the number on that list again, and not on the one that it left"):
        undo = await stage.api.undo_clean_up(stage.receipts, clean_up["job_id"])
        require(undo["state"] == "done", undo)
        statuses = [await stage.api.contact_status(each, caller) for each in (stage.receipts, stage.newsletter)]
        require(statuses == ["active", "opted_out"], statuses)


async def _evidence(claims: StoryClaims, stage: Stage, caller: str) -> None:
    """The change of the database is rolled back: nobody but the verification sees it."""
    partition = partition_of(caller, stage.kafka_settings.partitions)
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(stage.optout_database_url)
    try:
        async with claims.claim(
            "the record of decisions about that number and its neighbours verifies against the anchors in Kafka"
        ):
            intact = await check_chain(connection, partition, read_anchors(stage.kafka_settings, partition))
            require(intact.entries > 0 and not intact.differences, intact)
        async with claims.claim("what the number said, rewritten in the database by its owner, is found"):
            changes = connection.transaction(isolation="repeatable_read")
            await changes.start()
            try:
                await _rewrite(connection, stage, caller)
                changed = await check_chain(connection, partition, read_anchors(stage.kafka_settings, partition))
            finally:
                await changes.rollback()
            require(len(changed.differences) == 1, changed)
    finally:
        await connection.close()


async def _rewrite(connection: "asyncpg.Connection[asyncpg.Record]", stage: Stage, caller: str) -> None:
    await connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")
    await connection.execute("ALTER TABLE decisions DISABLE TRIGGER USER")
    rewritten = await connection.execute(
        "UPDATE decisions SET body = 'Please send me more.' WHERE account_id = $1 AND phone = $2 AND body = $3",
        stage.account.account_id,
        caller,
        _WORDS,
    )
    require(rewritten == "UPDATE 1", rewritten)
