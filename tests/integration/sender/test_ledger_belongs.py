"""A ledger and the topic that was consumed go together; where they do not, nothing is sent until a person looked."""

from collections.abc import AsyncIterator

import pytest

from harness.stack.service import Service
from services.sender.ledger.topics import adopt, belong, check_same_topic, note_partitions
from shared.errors import MisconfiguredError
from shared.postgres import Connection, Pool
from shared.service import EXIT_MISCONFIGURED

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
async def ledger(pool: Pool) -> AsyncIterator[Connection]:
    """A ledger that is empty; what a test writes goes away with its transaction."""
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("DELETE FROM messages; DELETE FROM topics")
        yield connection
        await transaction.rollback()


async def test_a_topic_that_was_recreated_is_refused_until_it_is_adopted(ledger: Connection) -> None:
    assert await belong(ledger, "cluster/one/3", consumed=False) == 0
    assert await belong(ledger, "cluster/one/3", consumed=True) == 0
    for another in ("cluster/two/3", "another/one/3"):
        with pytest.raises(MisconfiguredError, match="outbound-messages is not the topic"):
            await belong(ledger, another, consumed=False)
    await adopt(ledger)
    assert await belong(ledger, "cluster/two/3", consumed=False) == 1, "read from its beginning, by a group of its own"
    assert await belong(ledger, "cluster/two/3", consumed=True) == 1


async def test_a_topic_with_more_partitions_waits_for_the_command_that_notes_it_and_another_is_refused_by_that_too(
    ledger: Connection,
) -> None:
    await belong(ledger, "cluster/one/3", consumed=False)
    with pytest.raises(MisconfiguredError, match="run `stopline partitions change 6`"):
        await belong(ledger, "cluster/one/6", consumed=True)
    for another in ("cluster/two/6", "another/one/3"):
        with pytest.raises(MisconfiguredError, match="another deployment's"):
            await check_same_topic(ledger, another)
    await check_same_topic(ledger, "cluster/one/6")
    await note_partitions(ledger, "cluster/one/6")
    assert await belong(ledger, "cluster/one/6", consumed=True) == 0


async def test_an_empty_ledger_beside_a_consumed_topic_is_refused_until_that_is_adopted(ledger: Connection) -> None:
    with pytest.raises(MisconfiguredError, match="is empty"):
        await belong(ledger, "cluster/one/3", consumed=True)
    await adopt(ledger)
    assert await belong(ledger, "cluster/one/3", consumed=True) == 0, "nothing that was consumed is read again"


async def test_a_ledger_of_an_older_version_takes_the_topic_that_is_there(ledger: Connection) -> None:
    await ledger.execute(
        "INSERT INTO messages (account_id, message_id, list_id, phone, sender_number, state, decision_started_at,"
        " changed_at) VALUES ('acme', 'm-1', 1, '+14155550100', 'ACME', 'sent', now(), now())"
    )
    assert await belong(ledger, "cluster/one/3", consumed=True) == 0


async def test_the_refusal_ends_the_start_with_one_line(pool: Pool, spare_sender: Service) -> None:
    kept = await pool.fetchval("SELECT identity FROM topics")
    await pool.execute(
        "INSERT INTO topics (name, identity) VALUES ('outbound-messages', 'another/topic/3')"
        " ON CONFLICT (name) DO UPDATE SET identity = excluded.identity"
    )
    try:
        await spare_sender.start(wait=False)
        assert await spare_sender.wait_exit() == EXIT_MISCONFIGURED
        assert "stopline topics adopt" in spare_sender.process.log_path.read_text().splitlines()[-1]
    finally:
        await pool.execute("UPDATE topics SET identity = $1", kept)
