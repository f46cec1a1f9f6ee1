"""Writes what follows from a decision: contacts that move, calls to be made, messages on their way."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.optout.decision_log.entry import Entry
from services.optout.follow_ups import FollowUp, auto_reply_id
from shared.events.base import derived_id, format_time
from shared.postgres import Connection

# A contact goes to another list with its fields; a list that is gone, or another account's, gets nobody.
_MOVE = """
WITH target AS (
    SELECT list_id FROM contact_lists
    WHERE account_id = $1 AND list_id = $3 AND kind <> 'opt_outs' AND deleted_at IS NULL
), there AS (
    SELECT FROM contacts JOIN target USING (list_id) WHERE account_id = $1 AND phone = $2 AND removed_at IS NULL
), moved AS (
    INSERT INTO contacts (account_id, list_id, phone, fields)
    SELECT $1, target.list_id, $2, coalesce((
        SELECT fields FROM contacts
        WHERE account_id = $1 AND list_id = ANY($4::bigint[]) AND phone = $2 AND removed_at IS NULL LIMIT 1
    ), '{}')
    FROM target WHERE NOT EXISTS (SELECT FROM there)
)
DELETE FROM contacts USING target
WHERE contacts.account_id = $1 AND contacts.phone = $2 AND contacts.list_id = ANY($4::bigint[])
    AND contacts.list_id <> target.list_id AND contacts.removed_at IS NULL
"""

_CALL = """
INSERT INTO webhook_deliveries (delivery_id, account_id, rule_id, rule_version, event_id, url, webhook_type, body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb) ON CONFLICT DO NOTHING
"""


# An automatic reply counts as sent from now on: a reply that is written meanwhile gets no second one. So does the
# confirmation of an opt-out.
_ON_ITS_WAY = """
INSERT INTO sent_messages (account_id, message_id, list_id, phone, sender_number, outcome, dispatched_at, confirms)
VALUES ($1, $2, $3, $4, $5, 'dispatching', $6, $7) ON CONFLICT DO NOTHING
"""


async def write_follow_ups(connection: Connection, decided: Sequence[tuple[Entry, str]]) -> None:
    """Write them in the transaction of the decisions."""
    for entry, body in decided:
        if entry.confirmation is not None:
            await _on_its_way(
                connection, entry, entry.confirmation.message_id, entry.confirmation.list_id, entry.event_id
            )
        for each in entry.follow_ups:
            match each.action:
                case "MOVE_CONTACT":
                    await connection.execute(
                        _MOVE, entry.account_id, entry.phone, int(each.address), list(each.list_ids)
                    )
                case "URL":
                    await _call(connection, entry, body, each)
                case "AUTO_REPLY":  # goes out with the Kafka transaction
                    await _on_its_way(connection, entry, auto_reply_id(entry.event_id), each.list_ids[0])


async def _on_its_way(
    connection: Connection, entry: Entry, message_id: str, list_id: int, confirms: UUID | None = None
) -> None:
    who = entry.phone, entry.sender_number
    await connection.execute(_ON_ITS_WAY, entry.account_id, message_id, list_id, *who, entry.received_at, confirms)


async def _call(connection: Connection, entry: Entry, body: str, follow_up: FollowUp) -> None:
    fields = json.dumps(_fields(entry, body))
    await connection.execute(
        _CALL,
        derived_id(entry.event_id, "webhook", str(follow_up.rule_id)),
        entry.account_id,
        follow_up.rule_id,
        follow_up.rule_version,
        entry.event_id,
        follow_up.address,
        follow_up.webhook_type,
        fields,
    )


def _fields(entry: Entry, body: str) -> dict[str, Any]:
    """Return the body for the address, under ClickSend's names."""
    return {
        "message_id": str(entry.event_id),
        "from": entry.phone,
        "to": entry.sender_number,
        "body": body,
        "timestamp": int(entry.received_at.timestamp()),
        "received_at": format_time(entry.received_at),
        "original_message_id": entry.message_id,
        "list_ids": list(entry.follow_ups[0].list_ids),
    }
