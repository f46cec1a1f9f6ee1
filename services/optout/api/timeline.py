"""Everything that the record knows of one person, in order: messages and what became of them, replies and requests."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from services.optout.api.phones import SPELLINGS
from shared.events.base import format_time
from shared.postgres import Connection

MAX_MESSAGES = 1_000
"""The newest count: the record forgets messages after a while, but some senders send very many."""

# A person's messages, newest first: those that were announced, and those asked for by API that never got so far.
MESSAGES = f"""
SELECT message_id, coalesce(sent.list_id, asked.list_id) AS list_id, asked.body, asked.campaign_id, asked.error,
    coalesce(sent.sender_number, asked.sender_number) AS sender_number, coalesce(asked.status, sent.outcome) AS outcome,
    sent.instruction, sent.confirms::text, coalesce(sent.dispatched_at, asked.dispatched_at, asked.created_at) AS at
FROM (SELECT * FROM sent_messages WHERE account_id = $1 AND phone IN ({SPELLINGS})) sent
FULL JOIN (
    SELECT * FROM messages WHERE account_id = $1 AND phone IN ({SPELLINGS} UNION ALL SELECT unnest($4::text[]))
) asked USING (message_id)
ORDER BY at DESC, message_id LIMIT $3
"""  # noqa: S608 (no value from outside)

# The newest that never left; of those asked for by API more is known.
DROPPED = f"""
SELECT message_id, list_id, sender_number, outcome, reason AS error, dropped_at AS at
FROM dropped_messages WHERE account_id = $1 AND phone IN ({SPELLINGS}) ORDER BY dropped_at DESC LIMIT $3
"""  # noqa: S608 (no value from outside)

_OF_THE_CHAIN = {"event_id", "account_id", "phone", "body_sha256", "offset", "previous_sequence"}


async def load_messages(
    database: Connection, account_id: str, phone: str, pseudonyms: Sequence[str]
) -> list[dict[str, Any]]:
    """Return what was sent to a person, or was dropped because of an opt-out, each with the way out that it offered."""
    rows = await database.fetch(MESSAGES, account_id, phone, MAX_MESSAGES, pseudonyms)
    dropped = {row["message_id"]: dict(row) for row in await database.fetch(DROPPED, account_id, phone, MAX_MESSAGES)}
    messages = [dict(row) | _drop_of(dict(row), dropped) for row in reversed(rows)]
    messages += reversed(dropped.values())
    return [{**each, "what": "message", "at": format_time(each["at"])} for each in messages]


def _drop_of(message: Mapping[str, Any], dropped: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return what is said of a message that was announced or asked for, and then dropped; it is one item."""
    drop = dropped.pop(message["message_id"], None)
    if drop is None or message["outcome"] in {"sent", "delivered"}:
        return {}
    return {"outcome": drop["outcome"], "error": drop["error"]}


def timeline(entries: Sequence[dict[str, Any]], messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return entries, as the evidence shows them, and messages in the order of their times."""
    decisions = [_decision(entry) for entry in entries]
    return sorted([*messages, *decisions], key=lambda item: str(item["at"]))


def _decision(shown: dict[str, Any]) -> dict[str, Any]:
    """Return what an entry says, without empty fields: the words, the rule and its version, and all that followed."""
    said = {name: value for name, value in json.loads(shown["entry"]).items() if value not in (None, [], "")}
    return {
        "what": "request" if "request" in said else "decision",
        "at": format_utc(said["received_at"]),
        "sequence": shown["sequence"],
        "text": shown["body"],
        **{name: value for name, value in said.items() if name not in _OF_THE_CHAIN},
    }


def format_utc(text: str) -> str:
    """Return a time of an entry, which may leave its microseconds out, as all other times are written."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    return f"{whole}.{fraction:0<6}Z"
