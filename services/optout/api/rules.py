"""Rules with everything that Stopline knows of them; `/v3/automations/sms/inbound` shows what ClickSend has of it."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from services.optout.api.account_rules import RulesOfAccount
from services.optout.api.answers_about_sending import DeletedRule, ShownPacks, ShownRule, ShownRules
from services.optout.api.context import CallerAccountId, Database, WebhookPorts
from services.optout.api.errors import ApiError
from services.optout.api.request_limits import GuardedRoute
from services.optout.api.rule_fields import GivenRule, rule_of, shown
from services.optout.rules import VersionedRule
from services.optout.rules.packs import PACKS
from shared.events.base import ListId

_PATH = "/v1/rules"

router = APIRouter(route_class=GuardedRoute)


def _rules(account_id: CallerAccountId, database: Database, ports: WebhookPorts) -> RulesOfAccount:
    return RulesOfAccount(database, account_id, ports)


Rules = Annotated[RulesOfAccount, Depends(_rules)]
"""The caller's rules, as a parameter of a route."""


@router.get(_PATH, response_model=ShownRules)
async def list_rules(rules: Rules) -> dict[str, Any]:
    """Return all rules, in the order in which they are tried."""
    return {"rules": [shown(each) for each in await rules.all()]}


@router.get(f"{_PATH}/{{inbound_rule_id}}", response_model=ShownRule)
async def read_rule(inbound_rule_id: ListId, rules: Rules) -> dict[str, Any]:
    return shown(await rules.one(inbound_rule_id))


@router.post(_PATH, status_code=201, response_model=ShownRule)
async def create_rule(given: GivenRule, rules: Rules) -> dict[str, Any]:
    return shown(await rules.add(await asyncio.to_thread(rule_of, given)))


@router.put(f"{_PATH}/{{inbound_rule_id}}", response_model=ShownRule)
async def update_rule(inbound_rule_id: ListId, given: GivenRule, rules: Rules) -> dict[str, Any]:
    """Write the rule's next version; it holds for the next message that is decided."""
    return shown(await rules.change(inbound_rule_id, await asyncio.to_thread(rule_of, given)))


@router.delete(f"{_PATH}/{{inbound_rule_id}}", response_model=DeletedRule)
async def delete_rule(inbound_rule_id: ListId, rules: Rules) -> dict[str, Any]:
    """Take the rule out of force; its versions stay, because decisions name them."""
    await rules.delete(inbound_rule_id)
    return {"inbound_rule_id": inbound_rule_id}


@router.get(f"{_PATH}-packs", response_model=ShownPacks)
async def list_packs(rules: Rules) -> dict[str, Any]:
    """Return the ready-made packs, and which of them the account has."""
    names = {each.rule.name for each in await rules.all()}
    packs = [
        {
            "pack": name,
            "rules": [shown(VersionedRule(0, 1, rule)) for rule in pack],
            "added": all(rule.name in names for rule in pack),
        }
        for name, pack in PACKS.items()
    ]
    return {"packs": packs}


@router.post(f"{_PATH}-packs/{{pack}}", response_model=ShownRules)
async def add_pack(pack: str, rules: Rules) -> dict[str, Any]:
    """Add a pack's rules that the account does not have; from then on they are its own."""
    if pack not in PACKS:
        raise ApiError(404, "not_found", f"pack: there is no pack {pack!r}; see GET {_PATH}-packs", "pack")
    return {"rules": [shown(each) for each in await rules.add_all(PACKS[pack])]}
