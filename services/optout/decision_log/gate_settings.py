"""The settings of accounts that the sender's gate asks, as they are now, and which of them have changed.

A change is found by the transaction that made it. Whoever looks notes the oldest transaction that has not ended yet,
and looks the next time at all that come from it or a later one: so no change is missed that commits late, and what was
seen already is left out.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import asyncpg

from services.optout.decision_log.stored_confirmations import stored_confirmations
from services.optout.decision_log.stored_rules import load_stored_rules, versioned_rules
from services.optout.rules import DEFAULT_RULES, Rule
from services.optout.rules.instruction_words import instruction_words
from shared.gate import GateSettings
from shared.postgres import Connection

# In any order: the oldest transaction that has not ended, in a row without an account, and what was changed by those
# that are not older than $1. Numbers beyond the newest transaction are of a cluster that the database was copied from.
_CHANGED = """
SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS changed_in, NULL AS account_id, NULL::bigint AS list_id, false
UNION ALL SELECT gate_changed_in::text, account_id, NULL, true FROM accounts
WHERE gate_changed_in >= $1::text::xid8 AND gate_changed_in < pg_snapshot_xmax(pg_current_snapshot())
UNION ALL SELECT changed_in::text, account_id, list_id, kind <> 'opt_outs' AND deleted_at IS NULL
FROM contact_lists
WHERE changed_in >= $1::text::xid8 AND changed_in < pg_snapshot_xmax(pg_current_snapshot())
"""
_UNTIL = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text"
_ACCOUNT_IDS = "SELECT account_id FROM accounts"
_ACCOUNTS = """
SELECT account_id, gate_policy, gate_instruction, exempts_conversational, opt_out_confirmations,
    EXISTS (SELECT FROM rules r WHERE r.account_id = a.account_id) AS has_rules
FROM accounts a WHERE account_id = ANY($1::text[])
"""
_LISTS = """
SELECT account_id, list_id FROM contact_lists
WHERE account_id = ANY($1::text[]) AND kind <> 'opt_outs' AND deleted_at IS NULL
"""


_ACCOUNTS_AT_ONCE = 50
"""Whose rules are in memory at once: up to 400 kB of text each, and more when they are read."""


class ListOfAccount(NamedTuple):
    """A list, and whether there is one of that id to send to."""

    account_id: str
    list_id: int
    exists: bool = True


@dataclass(frozen=True, slots=True)
class ChangedAccountSettings:
    """The changes of one look: accounts, by their ids, and lists."""

    account_ids: Sequence[str] = ()
    lists: Sequence[ListOfAccount] = ()


class AccountSettingsChanges:
    """A watch over changes: `start` it before everything is read, then `look` again and again."""

    def __init__(self) -> None:
        self._since = "0"
        self._seen: dict[tuple[str, int | None], str] = {}

    async def start(self, connection: Connection) -> None:
        """Begin: every change that is committed later is found."""
        self._since = await connection.fetchval(_UNTIL)

    async def look(self, connection: Connection) -> ChangedAccountSettings:
        """Return all that has changed by now and was not returned before."""
        found = await connection.fetch(_CHANGED, self._since)
        until = next(row[0] for row in found if row[1] is None)
        rows = [row for row in found if row[1] is not None]
        new = [row for row in rows if self._seen.get((row[1], row[2])) != row[0]]
        self._since, self._seen = until, {(row[1], row[2]): row[0] for row in rows}
        accounts = [row[1] for row in new if row[2] is None]
        return ChangedAccountSettings(accounts, [ListOfAccount(*row[1:]) for row in new if row[2] is not None])


async def load_account_ids(connection: Connection) -> list[str]:
    """Return the ids of all accounts."""
    return [row[0] for row in await connection.fetch(_ACCOUNT_IDS)]


async def load_lists(connection: Connection, account_ids: Sequence[str]) -> list[ListOfAccount]:
    """Return the lists of accounts that messages may be sent to."""
    return [ListOfAccount(*row) for row in await connection.fetch(_LISTS, account_ids)]


async def load_gate_settings(connection: Connection, account_ids: Iterable[str]) -> dict[str, GateSettings]:
    """Return the settings of accounts as they are now; an account that never had a rule has the default ones."""
    wanted = sorted(set(account_ids))
    rows = await connection.fetch(_ACCOUNTS, wanted)
    found: dict[str, GateSettings] = {}
    for first in range(0, len(rows), _ACCOUNTS_AT_ONCE):
        some = rows[first : first + _ACCOUNTS_AT_ONCE]
        stored = await load_stored_rules(connection, [row["account_id"] for row in some if row["has_rules"]])
        found |= await asyncio.to_thread(_gate_settings_of, some, stored)
    return found


def _gate_settings_of(
    rows: Sequence[asyncpg.Record], stored: dict[str, list[asyncpg.Record]]
) -> dict[str, GateSettings]:
    return {row["account_id"]: _gate_settings(row, stored) for row in rows}


def _gate_settings(row: asyncpg.Record, stored: dict[str, list[asyncpg.Record]]) -> GateSettings:
    rules: Sequence[Rule] = DEFAULT_RULES
    if row["has_rules"]:
        rules = [each.rule for each in versioned_rules(stored.get(row["account_id"], []))]
    return GateSettings(
        row["gate_policy"],
        row["gate_instruction"],
        row["exempts_conversational"],
        instruction_words(rules),
        stored_confirmations(row["opt_out_confirmations"]),
    )
