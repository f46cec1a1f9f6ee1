"""The gate of an account: what becomes of its messages that carry no way out. The sender makes the check."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import AfterValidator, StringConstraints

from services.optout.api.account_rules import LOCK_ACCOUNT, current_rules
from services.optout.api.answers_about_sending import ShownGate
from services.optout.api.context import CallerAccountId, Database
from services.optout.api.errors import ApiError
from services.optout.api.fields import RequestBody, without_nul
from services.optout.api.gate_checks import check_instruction
from services.optout.api.request_limits import GuardedRoute
from services.optout.api.runtime import ApiRuntime
from services.optout.decision_log.gate_settings import load_gate_settings
from shared.events.suppression import GatePolicy
from shared.postgres import Connection
from shared.segments import segments_of

MAX_INSTRUCTION_CHARACTERS = 160

SET = """
UPDATE accounts SET gate_policy = $2, gate_instruction = $3, exempts_conversational = $4 WHERE account_id = $1
"""

router = APIRouter(route_class=GuardedRoute)

AppendedInstruction = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_INSTRUCTION_CHARACTERS),
    AfterValidator(without_nul),
]


class GivenGate(RequestBody):
    """The settings: `instruction` is what `append` adds; `exempts_conversational` lets answers pass without one."""

    policy: GatePolicy = "reject"
    instruction: AppendedInstruction | None = None
    exempts_conversational: bool = False


@router.get("/v1/account/gate", response_model=ShownGate)
async def read_gate(account_id: CallerAccountId, database: Database) -> dict[str, Any]:
    """Return the account's settings, and the words that messages may name, by the sender number that they work on."""
    return await _shown(database, account_id)


@router.put("/v1/account/gate", response_model=ShownGate)
async def change_gate(
    given: GivenGate, account_id: CallerAccountId, database: Database, runtime: ApiRuntime
) -> dict[str, Any]:
    """Set what becomes of messages without a way out; it holds for every message that is decided from then on."""
    async with database.transaction():
        await database.execute(LOCK_ACCOUNT, account_id)
        if given.policy == "append":
            rules = [each.rule for each in await current_rules(database, account_id)]
            check_instruction(_needed(given), rules, makes_links=runtime.settings.link_url is not None)
        await database.execute(SET, account_id, given.policy, given.instruction, given.exempts_conversational)
    return await _shown(database, account_id)


def _needed(given: GivenGate) -> str:
    if given.instruction is None:
        message = 'instruction: write what is added to a message without a way out, such as "Reply STOP to opt out"'
        raise ApiError(422, "missing", message, "instruction")
    return given.instruction


async def _shown(database: Connection, account_id: str) -> dict[str, Any]:
    gate_settings = (await load_gate_settings(database, [account_id]))[account_id]
    return {
        "policy": gate_settings.policy,
        "instruction": gate_settings.instruction,
        "instruction_segments": segments_of(gate_settings.instruction).number if gate_settings.instruction else None,
        "exempts_conversational": gate_settings.exempts_conversational,
        "words": gate_settings.words,
    }
