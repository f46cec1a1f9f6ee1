"""The accounts' rules: read when they have changed, made ready beside the event loop, and kept; and their policies."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg
from pydantic import ValidationError

from services.optout.decision_log.stored_confirmations import stored_confirmations
from services.optout.decision_log.stored_policies import load_policies
from services.optout.policies import SHIPPED, SHIPPED_ALONE, ReachPolicies, ShippedPolicy
from services.optout.rules import DEFAULT_RULES, Rule, RuleSet, VersionedRule
from shared.events.suppression import PublishedConfirmation
from shared.postgres import Connection

log = logging.getLogger(__name__)

MAX_KEPT_ACCOUNTS = 1_000
MAX_KEPT_PATTERNS = 500
"""A pattern and the states that it remembers take 256 kB at most."""
MAX_LOADED_BYTES = 400_000
"""Of one account's definitions. Who has saved more, before there was a limit, has what fits, opt-outs first."""
_ACCOUNTS_AT_ONCE = 20

# No revision where the account never had rules.
_REVISIONS = """
SELECT account_id, CASE WHEN EXISTS (SELECT FROM rules r WHERE r.account_id = a.account_id) THEN rules_revision END,
    opt_out_confirmations
FROM accounts a WHERE account_id = ANY($1::text[])
"""

# The newest version of each rule of the accounts, opt-outs first, up to a size; `is_over` is true past that.
_RULES = """
SELECT account_id, rule_id, version, CASE WHEN bytes <= $2 THEN definition END AS definition FROM (
    SELECT account_id, rule_id, version, definition::text AS definition,
        sum(octet_length(definition::text)) OVER (
            PARTITION BY account_id ORDER BY (definition ->> 'action' = 'OPT_OUT') DESC, rule_id
        ) AS bytes
    FROM rules WHERE account_id = ANY($1::text[]) AND is_newest AND NOT deleted
) sized
ORDER BY account_id, rule_id
"""


@dataclass(slots=True)
class AccountRules:
    """The rules, reach policies and confirmations of one account as they are now.

    `spent_seconds` is what its last batch's searches took.
    """

    rules: RuleSet
    revision: UUID | None = None
    spent_seconds: float = 0.0
    policies: ReachPolicies = SHIPPED_ALONE
    confirmations: Sequence[PublishedConfirmation] = ()


_DEFAULTS = RuleSet([VersionedRule(0, 1, rule) for rule in DEFAULT_RULES])


class StoredRules:
    """A process's rules, made ready once for each change; policies are the accounts' own and those `shipped`."""

    def __init__(self, shipped: Sequence[ShippedPolicy] = SHIPPED) -> None:
        self._shipped = shipped
        self._kept: OrderedDict[str, AccountRules] = OrderedDict()

    async def load(self, connection: Connection, account_ids: Iterable[str]) -> dict[str, AccountRules]:
        """Return each account's rules as they are now; one that never had any, or is unknown, has the defaults."""
        wanted = sorted(set(account_ids))
        accounts = await connection.fetch(_REVISIONS, wanted)
        revisions: dict[str, UUID] = {row[0]: row[1] for row in accounts if row[1] is not None}
        ready = {account_id: kept for account_id in wanted if (kept := self._current(account_id, revisions))}
        missing = [account_id for account_id in wanted if account_id not in ready]
        for first in range(0, len(missing), _ACCOUNTS_AT_ONCE):
            some = missing[first : first + _ACCOUNTS_AT_ONCE]
            stored = await load_stored_rules(connection, some)
            for account_id in some:
                rules = await asyncio.to_thread(rule_set, stored.get(account_id, []))
                ready[account_id] = AccountRules(rules, revisions[account_id])
        for account_id in missing:
            self._keep(account_id, ready[account_id])
        for account_id, policies in (await load_policies(connection, wanted, self._shipped)).items():
            ready[account_id].policies = policies
        for account_id, _, confirmations in accounts:
            ready[account_id].confirmations = stored_confirmations(confirmations)
        return ready

    def _current(self, account_id: str, revisions: dict[str, UUID]) -> AccountRules | None:
        if account_id not in revisions:
            return AccountRules(_DEFAULTS)
        kept = self._kept.get(account_id)
        if kept is None or kept.revision != revisions[account_id]:
            return None
        self._kept.move_to_end(account_id)
        return kept

    def _keep(self, account_id: str, rules: AccountRules) -> None:
        self._kept[account_id] = rules
        self._kept.move_to_end(account_id)
        patterns = sum(kept.rules.patterns for kept in self._kept.values())
        while len(self._kept) > 1 and (len(self._kept) > MAX_KEPT_ACCOUNTS or patterns > MAX_KEPT_PATTERNS):
            patterns -= self._kept.popitem(last=False)[1].rules.patterns


async def load_stored_rules(
    connection: Connection, account_ids: Sequence[str], max_bytes: int = MAX_LOADED_BYTES
) -> dict[str, list[asyncpg.Record]]:
    """Return id, version and definition of each rule that is not deleted; no definition where it did not fit."""
    found: dict[str, list[asyncpg.Record]] = {}
    for row in await connection.fetch(_RULES, account_ids, max_bytes):
        found.setdefault(row["account_id"], []).append(row)
    return found


def rule_set(stored: Sequence[asyncpg.Record]) -> RuleSet:
    """Return the rules made ready, which takes milliseconds: not on the event loop."""
    rules = versioned_rules(stored)
    return RuleSet(rules, is_whole=len(rules) == len(stored))


def versioned_rules(stored: Sequence[asyncpg.Record]) -> list[VersionedRule]:
    """Return the rules that were loaded with their definition, and that this version can read.

    One account's rule that it cannot stops nobody else's: what its other rules leave undecided is held.
    """
    read = (_read(row) for row in stored if row["definition"] is not None)
    return [each for each in read if each is not None]


def _read(row: asyncpg.Record) -> VersionedRule | None:
    try:
        return VersionedRule(row["rule_id"], row["version"], Rule.stored(row["definition"]))
    except ValidationError as error:
        log.error("rule %s cannot be read: %s", row["rule_id"], error.errors(include_input=False)[0]["msg"])  # noqa: TRY400 (no bug)
        return None
