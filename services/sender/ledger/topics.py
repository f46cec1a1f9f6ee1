"""Which `outbound-messages` this ledger belongs to: what was consumed and what is in the ledger go together (G3).

A topic that was recreated begins again at offset 0. A ledger that is empty, or of another deployment, does not know
what was called already. Which of the two is wrong only a person can say.
"""

from shared.errors import MisconfiguredError
from shared.postgres import Connection
from shared.topic_identity import is_same_topic, more_partitions
from shared.topics import OUTBOUND_MESSAGES

_READ = "SELECT identity, generation FROM topics WHERE name = $1"
_IS_EMPTY = "SELECT NOT EXISTS (SELECT 1 FROM messages)"
_SAVE = """
INSERT INTO topics (name, identity) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET identity = excluded.identity
"""
_NOTE = "UPDATE topics SET identity = $2 WHERE name = $1 AND identity IS NOT NULL"
_ADOPT = """
INSERT INTO topics (name) VALUES ($1)
ON CONFLICT (name) DO UPDATE SET identity = NULL, generation = topics.generation + 1
"""
_HOW = "see 'A topic was recreated' in docs/operations.md before `stopline topics adopt outbound-messages`"


async def belong(connection: Connection, identity: str, *, consumed: bool) -> int:
    """Note that the ledger belongs to this topic, and return how many topics it belonged to before.

    Args:
        connection: to the ledger.
        identity: of the topic that is there, as `shared.topic_identity` gives it.
        consumed: whether the consumer group has committed offsets of it.

    Raises:
        MisconfiguredError: the ledger belongs to another topic, or does not know what was consumed.
    """
    row = await connection.fetchrow(_READ, OUTBOUND_MESSAGES)
    before, generation = (row["identity"], row["generation"]) if row is not None else (None, 0)
    if before is not None and before != identity and is_same_topic(before, identity):
        raise MisconfiguredError(more_partitions(OUTBOUND_MESSAGES, before, identity))
    if before not in (None, identity):
        raise MisconfiguredError(
            f"{OUTBOUND_MESSAGES} is not the topic that this ledger belongs to (it is {identity}, was {before}): it was"
            f" recreated, or STOPLINE_SENDER_DATABASE_URL is another deployment's; {_HOW}"
        )
    if row is None and consumed and await connection.fetchval(_IS_EMPTY):
        raise MisconfiguredError(
            f"the ledger (STOPLINE_SENDER_DATABASE_URL) is empty, but messages of {OUTBOUND_MESSAGES} were consumed:"
            f" what was sent already could be sent again; {_HOW}"
        )
    await connection.execute(_SAVE, OUTBOUND_MESSAGES, identity)
    return int(generation)


async def check_same_topic(connection: Connection, identity: str) -> None:
    """Refuse a topic that is not this ledger's, however many partitions it has.

    Raises:
        MisconfiguredError: the ledger, or Kafka, is another deployment's; or the topic was recreated.
    """
    row = await connection.fetchrow(_READ, OUTBOUND_MESSAGES)
    if row is not None and row["identity"] is not None and not is_same_topic(row["identity"], identity):
        raise MisconfiguredError(
            f"{OUTBOUND_MESSAGES} is not the topic of this ledger (it is {identity}, was {row['identity']}): is"
            f" STOPLINE_SENDER_DATABASE_URL, or STOPLINE_KAFKA_BOOTSTRAP, another deployment's? If not, {_HOW}"
        )


async def note_partitions(connection: Connection, identity: str) -> None:
    """Note that the topic, this ledger's, has more partitions than it had: what was consumed is where it was."""
    await connection.execute(_NOTE, OUTBOUND_MESSAGES, identity)


async def adopt(connection: Connection) -> None:
    """Take whichever topic the next start finds; one that is not the first is read from its beginning."""
    await connection.execute(_ADOPT, OUTBOUND_MESSAGES)
