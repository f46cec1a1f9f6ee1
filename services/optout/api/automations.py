"""Rules for inbound messages, in the shape of ClickSend's API: `/v3/automations/sms/inbound`."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.optout.api.clicksend import MAX_PER_PAGE, PER_PAGE, ClickSendRoute, paged, success
from services.optout.api.context import CallerAccountId, Database, WebhookPorts
from services.optout.api.errors import ApiError
from services.optout.api.rule_checks import check_rule
from services.optout.api.rule_fields import GivenRule, rule_of, shown
from services.optout.api.rule_size import check_size
from services.optout.record.stored_rules import load_stored_rules, versioned_rules
from services.optout.rules import Rule, VersionedRule
from services.optout.rules.packs import PACKS
from shared.postgres import Connection

MAX_RULES = 500
_MAX_SHOWN_BYTES = 20_000_000
"""Of what was saved before there were limits."""
_PATH = "/v3/automations/sms/inbound"

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

router = APIRouter(route_class=ClickSendRoute)


@router.get(_PATH)
async def list_rules(
    account_id: CallerAccountId,
    database: Database,
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
    limit: Annotated[int, Query(ge=1, le=MAX_PER_PAGE)] = PER_PAGE,
) -> dict[str, Any]:
    rules = await current_rules(database, account_id)
    rules.sort(key=lambda each: (each.rule.position, each.rule_id))
    rows = [shown(each.rule_id, each.version, each.rule) for each in rules[(page - 1) * limit : page * limit]]
    return success("Here are your inbound rules.", paged(_PATH, rows, len(rules), page, limit))


@router.get(f"{_PATH}/{{inbound_rule_id}}")
async def read_rule(inbound_rule_id: int, account_id: CallerAccountId, database: Database) -> dict[str, Any]:
    found = _one(await current_rules(database, account_id), inbound_rule_id)
    return success("Here is your inbound rule.", shown(found.rule_id, found.version, found.rule))


@router.post(_PATH)
async def create_rule(
    given: GivenRule, account_id: CallerAccountId, database: Database, ports: WebhookPorts
) -> dict[str, Any]:
    rule = await asyncio.to_thread(rule_of, given)
    async with database.transaction():
        await database.execute(LOCK_ACCOUNT, account_id)
        others = await current_rules(database, account_id)
        _check_room(others, 1)
        await check_change(others, rule)
        await check_rule(database, account_id, rule, others, ports)
        rule_id, version = await _add(database, account_id, rule)
    return success("New inbound rule has been added.", shown(rule_id, version, rule))


@router.put(f"{_PATH}/{{inbound_rule_id}}")
async def update_rule(
    inbound_rule_id: int, given: GivenRule, account_id: CallerAccountId, database: Database, ports: WebhookPorts
) -> dict[str, Any]:
    """Write the rule's next version; it holds for the next message that is decided."""
    rule = await asyncio.to_thread(rule_of, given)
    async with database.transaction():
        await database.execute(LOCK_ACCOUNT, account_id)
        rules = await current_rules(database, account_id)
        _one(rules, inbound_rule_id)
        await check_change(rules, rule, inbound_rule_id)
        others = [each for each in rules if each.rule_id != inbound_rule_id]
        await check_rule(database, account_id, rule, others, ports)
        rule_id, version = await _change(database, account_id, inbound_rule_id, rule, deleted=False)
    return success("Inbound rule has been updated.", shown(rule_id, version, rule))


@router.delete(f"{_PATH}/{{inbound_rule_id}}")
async def delete_rule(inbound_rule_id: int, account_id: CallerAccountId, database: Database) -> dict[str, Any]:
    """Take the rule out of force; its versions stay, because decisions name them."""
    async with database.transaction():
        await database.execute(LOCK_ACCOUNT, account_id)
        found = _one(await current_rules(database, account_id), inbound_rule_id)
        await _change(database, account_id, inbound_rule_id, found.rule, deleted=True)
    return success("Inbound rule has been deleted.", {"inbound_rule_id": inbound_rule_id})


@router.get(f"{_PATH}-packs")
async def list_packs(account_id: CallerAccountId, database: Database) -> dict[str, Any]:
    """Return the ready-made packs, and which of them the account has."""
    names = {each.rule.name for each in await current_rules(database, account_id)}
    packs = [
        {
            "pack": name,
            "rules": [shown(0, 1, rule) for rule in rules],
            "added": all(rule.name in names for rule in rules),
        }
        for name, rules in PACKS.items()
    ]
    return success("Here are the packs.", packs)


@router.post(f"{_PATH}-packs/{{pack}}")
async def add_pack(pack: str, account_id: CallerAccountId, database: Database) -> dict[str, Any]:
    """Add a pack's rules that the account does not have; from then on they are its own."""
    if pack not in PACKS:
        raise ApiError(404, "not_found", f"pack: there is no pack {pack!r}; see GET {_PATH}-packs", "pack")
    async with database.transaction():
        await database.execute(LOCK_ACCOUNT, account_id)
        others = await current_rules(database, account_id)
        names = {each.rule.name for each in others}
        missing = [rule for rule in PACKS[pack] if rule.name not in names]
        _check_room(others, len(missing))
        present = [each.rule for each in others]
        await check_size(present, [*present, *missing])
        added = []
        for rule in missing:
            rule_id, version = await _add(database, account_id, rule)
            added.append(shown(rule_id, version, rule))
    return success("The pack has been added.", added)


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
    raise ApiError(404, "not_found", f"inbound_rule_id: there is no rule {rule_id}; see GET {_PATH}", "inbound_rule_id")


def _check_room(rules: list[VersionedRule], more: int) -> None:
    if len(rules) + more > MAX_RULES:
        message = f"rule_name: an account has at most {MAX_RULES} rules; put several words into one rule's terms"
        raise ApiError(422, "too_many", message, "rule_name")


async def _add(database: Connection, account_id: str, rule: Rule) -> tuple[int, int]:
    (row,) = await database.fetch(ADD, account_id, rule.model_dump_json())
    return row["rule_id"], row["version"]


async def _change(database: Connection, account_id: str, rule_id: int, rule: Rule, *, deleted: bool) -> tuple[int, int]:
    (row,) = await database.fetch(CHANGE, account_id, rule_id, rule.model_dump_json(), deleted)
    return row["rule_id"], row["version"]
