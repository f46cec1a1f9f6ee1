"""The rules of an account in the database: each change is a rule's next version, checked with the others there are."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from services.optout.api.errors import ApiError
from services.optout.api.gate_checks import check_still_works, check_stop_works
from services.optout.api.rule_checks import check_rule
from services.optout.api.rule_size import check_size
from services.optout.decision_log.stored_rules import load_stored_rules, versioned_rules
from services.optout.rules import Rule, VersionedRule
from shared.postgres import Connection

MAX_RULES = 500
_MAX_SHOWN_BYTES = 20_000_000
"""Of what was saved before there were limits."""

# Locks the account: two rules that are saved at once see each other.
LOCK_ACCOUNT = "SELECT FROM accounts WHERE account_id = $1 FOR UPDATE"
ADD = "INSERT INTO rules (account_id, definition) VALUES ($1, $2::jsonb) RETURNING rule_id, version"
# A rule's next version; the ones before stay.
CHANGE = """
INSERT INTO rules (account_id, rule_id, version, definition, deleted)
SELECT account_id, rule_id, max(version) + 1, $3::jsonb, $4 FROM rules
WHERE account_id = $1 AND rule_id = $2 GROUP BY account_id, rule_id
RETURNING rule_id, version
"""


@dataclass(frozen=True, slots=True)
class RulesOfAccount:
    """The rules of one account, for reading and changing."""

    database: Connection
    account_id: str
    webhook_ports: Collection[int] = ()

    async def all(self) -> list[VersionedRule]:
        """Return the rules as they are now, in the order in which they are tried."""
        rules = await current_rules(self.database, self.account_id)
        return sorted(rules, key=lambda each: (each.rule.position, each.rule_id))

    async def one(self, rule_id: int) -> VersionedRule:
        return _one(await self.all(), rule_id)

    async def add(self, rule: Rule) -> VersionedRule:
        async with self.database.transaction():
            others = await self._locked()
            _check_room(others, 1)
            await check_change(others, rule)
            await check_rule(self.database, self.account_id, rule, others, self.webhook_ports)
            return await self._add(rule)

    async def add_all(self, rules: Sequence[Rule]) -> list[VersionedRule]:
        """Add those whose names the account does not have."""
        async with self.database.transaction():
            others = await self._locked()
            names = {each.rule.name for each in others}
            missing = [rule for rule in rules if rule.name not in names]
            _check_room(others, len(missing))
            present = [each.rule for each in others]
            await check_size(present, [*present, *missing])
            return [await self._add(rule) for rule in missing]

    async def change(self, rule_id: int, rule: Rule) -> VersionedRule:
        """Write the rule's next version; it holds for the next message that is decided."""
        async with self.database.transaction():
            rules = await self._locked()
            _one(rules, rule_id)
            await check_change(rules, rule, rule_id)
            others = [each for each in rules if each.rule_id != rule_id]
            await check_rule(self.database, self.account_id, rule, others, self.webhook_ports)
            changed = [*(each.rule for each in others), rule]
            check_stop_works([each.rule for each in rules], changed)
            await check_still_works(self.database, self.account_id, changed)
            return await self._change(rule_id, rule, deleted=False)

    async def delete(self, rule_id: int) -> None:
        """Take the rule out of force; its versions stay, because decisions name them."""
        async with self.database.transaction():
            rules = await self._locked()
            found = _one(rules, rule_id)
            others = [each.rule for each in rules if each.rule_id != rule_id]
            check_stop_works([each.rule for each in rules], others)
            await check_still_works(self.database, self.account_id, others)
            await self._change(rule_id, found.rule, deleted=True)

    async def _locked(self) -> list[VersionedRule]:
        await self.database.execute(LOCK_ACCOUNT, self.account_id)
        return await current_rules(self.database, self.account_id)

    async def _add(self, rule: Rule) -> VersionedRule:
        (row,) = await self.database.fetch(ADD, self.account_id, rule.model_dump_json())
        return VersionedRule(row["rule_id"], row["version"], rule)

    async def _change(self, rule_id: int, rule: Rule, *, deleted: bool) -> VersionedRule:
        (row,) = await self.database.fetch(CHANGE, self.account_id, rule_id, rule.model_dump_json(), deleted)
        return VersionedRule(row["rule_id"], row["version"], rule)


async def current_rules(database: Connection, account_id: str) -> list[VersionedRule]:
    """Return the account's rules as they are now."""
    stored = await load_stored_rules(database, [account_id], _MAX_SHOWN_BYTES)
    return await asyncio.to_thread(versioned_rules, stored.get(account_id, []))


async def check_change(present: list[VersionedRule], rule: Rule, replaced: int | None = None) -> None:
    """Check how large the account's rules would be with `rule` in place of the one with the id `replaced`."""
    kept = [each.rule for each in present if each.rule_id != replaced]
    await check_size([each.rule for each in present], [*kept, rule])


def _one(rules: list[VersionedRule], rule_id: int) -> VersionedRule:
    for each in rules:
        if each.rule_id == rule_id:
            return each
    raise ApiError(404, "not_found", f"inbound_rule_id: there is no rule {rule_id}", "inbound_rule_id")


def _check_room(rules: list[VersionedRule], more: int) -> None:
    if len(rules) + more > MAX_RULES:
        message = f"rule_name: an account has at most {MAX_RULES} rules; put several words into one rule's terms"
        raise ApiError(422, "too_many", message, "rule_name")
