"""Rules for inbound messages: `/v3/automations/sms/inbound`."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends

from services.optout.api.context import CallerAccountId, Database
from services.optout.api.rules import Rules
from services.optout.api.v3.envelope import Envelope, success
from services.optout.api.v3.filters import Q, pairs_of
from services.optout.api.v3.models import PathId
from services.optout.api.v3.paging import AskedPage, LinkedPage
from services.optout.api.v3.route import V3Route
from services.optout.api.v3.rule_fields import GivenInboundRule, InboundRule, changed_rule, new_rule, shown

_PATH = "/v3/automations/sms/inbound"
_RULE = f"{_PATH}/{{inbound_rule_id}}"

# The list of an account that has a meaning of its own.
OPT_OUT_LIST = "SELECT list_id FROM contact_lists WHERE account_id = $1 AND kind = 'opt_outs'"

router = APIRouter(route_class=V3Route)


async def _opt_out_list(account_id: CallerAccountId, database: Database) -> int:
    list_id: int = await database.fetchval(OPT_OUT_LIST, account_id)
    return list_id


OptOutListId = Annotated[int, Depends(_opt_out_list)]


@router.get(_PATH)
async def list_inbound_rules(
    rules: Rules, opt_out_list: OptOutListId, paging: AskedPage, q: Q = None
) -> Envelope[LinkedPage[InboundRule]]:
    """Return the rules in the order in which they are tried; with `q`, those that have all of its values."""
    wanted = set(pairs_of(q or "", InboundRule.model_fields))
    found = [shown(each, opt_out_list) for each in await rules.all()]
    found = [each for each in found if wanted <= {(name, str(value)) for name, value in each}]
    rows = found[paging.offset : paging.offset + paging.limit]
    return success("Here are your inbound rules.", paging.linked(rows, len(found)))


@router.get(_RULE)
async def read_inbound_rule(inbound_rule_id: PathId, rules: Rules, opt_out_list: OptOutListId) -> Envelope[InboundRule]:
    return success("Here is your inbound rule.", shown(await rules.one(inbound_rule_id), opt_out_list))


@router.post(_PATH)
async def create_inbound_rule(
    given: GivenInboundRule, rules: Rules, opt_out_list: OptOutListId
) -> Envelope[InboundRule]:
    added = await rules.add(await asyncio.to_thread(new_rule, given, opt_out_list))
    return success("New inbound rule has been added.", shown(added, opt_out_list))


@router.put(_RULE)
async def update_inbound_rule(
    inbound_rule_id: PathId, given: GivenInboundRule, rules: Rules, opt_out_list: OptOutListId
) -> Envelope[InboundRule]:
    """Write the rule's next version; it holds for the next message that is decided."""
    saved = await rules.one(inbound_rule_id)
    changed = await rules.change(inbound_rule_id, await asyncio.to_thread(changed_rule, saved, given, opt_out_list))
    return success("Inbound rule has been updated.", shown(changed, opt_out_list))


@router.delete(_RULE)
async def delete_inbound_rule(inbound_rule_id: PathId, rules: Rules) -> Envelope[list[str]]:
    """Take the rule out of force; its versions stay, because decisions name them."""
    await rules.delete(inbound_rule_id)
    return success("Inbound rule has been deleted.", [])
