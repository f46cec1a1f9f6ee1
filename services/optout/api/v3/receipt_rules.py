"""Rules for delivery receipts: `/v3/automations/sms/receipts`.

A rule is for all receipts of the account (`match_type` 0, the only one that ClickSend names). `URL` hands each on to an
address, `POLL` leaves them to be fetched by `GET /v3/sms/receipts`, where all are in any case, and `NONE` does nothing.
"""

from collections.abc import Collection
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from services.optout.api.account_rules import LOCK_ACCOUNT
from services.optout.api.context import CallerAccountId, Database, WebhookPorts
from services.optout.api.errors import ApiError
from services.optout.api.fields import Name
from services.optout.api.v3.envelope import Envelope, success
from services.optout.api.v3.models import Answer, Given, GivenText, PathId
from services.optout.api.v3.paging import AskedPage, Page
from services.optout.api.v3.route import V3Route
from services.optout.customer_webhooks.addresses import why_not_called
from shared.postgres import Connection

MAX_RECEIPT_RULES = 20
"""Of one account: each is a call for every receipt."""
_PATH = "/v3/automations/sms/receipts"
_ONE = f"{_PATH}/{{receipt_rule_id}}"
_ACTIONS = ("URL", "POLL", "NONE")
_COLUMNS = "receipt_rule_id, name, action, action_address, enabled"

PAGE = f"""
SELECT {_COLUMNS} FROM receipt_rules WHERE account_id = $1 ORDER BY receipt_rule_id OFFSET $2 LIMIT $3
"""  # noqa: S608 (no value from outside)
COUNT = "SELECT count(*) FROM receipt_rules WHERE account_id = $1"
ONE = f"""
SELECT {_COLUMNS} FROM receipt_rules WHERE account_id = $1 AND receipt_rule_id = $2
"""  # noqa: S608 (no value from outside)
NAMESAKE = "SELECT receipt_rule_id FROM receipt_rules WHERE account_id = $1 AND name = $2"
ADD = f"""
INSERT INTO receipt_rules (account_id, name, action, action_address, enabled) VALUES ($1, $2, $3, $4, $5)
RETURNING {_COLUMNS}
"""  # noqa: S608 (no value from outside)
CHANGE = f"""
UPDATE receipt_rules SET name = $3, action = $4, action_address = $5, enabled = $6, version = version + 1
WHERE account_id = $1 AND receipt_rule_id = $2 RETURNING {_COLUMNS}
"""  # noqa: S608 (no value from outside)
DELETE = "DELETE FROM receipt_rules WHERE account_id = $1 AND receipt_rule_id = $2 RETURNING receipt_rule_id"

router = APIRouter(route_class=V3Route)


class ReceiptRule(Answer):
    """A rule for delivery receipts."""

    receipt_rule_id: int
    rule_name: str
    match_type: int = 0
    action: str
    action_address: str | None
    enabled: int


class ReceiptRuleChange(Given):
    """A change of a rule; what is missing stays."""

    rule_name: Annotated[Name, Field(max_length=100)] | None = None
    match_type: Annotated[int, Field(ge=0, le=0)] | None = None
    action: GivenText | None = None
    action_address: Annotated[GivenText, Field(max_length=2000)] | None = None
    enabled: bool | None = None


class NewReceiptRule(ReceiptRuleChange):
    """A rule to be added."""

    rule_name: Annotated[Name, Field(max_length=100)]
    action: GivenText
    enabled: bool = True


@router.get(_PATH)
async def list_receipt_rules(
    account_id: CallerAccountId, database: Database, paging: AskedPage
) -> Envelope[Page[ReceiptRule]]:
    rows = await database.fetch(PAGE, account_id, paging.offset, paging.limit)
    total = await database.fetchval(COUNT, account_id)
    return success("Here are your receipt rules.", paging.of([_shown(row) for row in rows], total))


@router.post(_PATH)
async def create_receipt_rule(
    given: NewReceiptRule, account_id: CallerAccountId, database: Database, ports: WebhookPorts
) -> Envelope[ReceiptRule]:
    """Add a rule; it holds for the receipts that come from then on."""
    what = _checked(given.action, given.action_address, ports)
    async with database.transaction():
        await database.execute(LOCK_ACCOUNT, account_id)
        if await database.fetchval(COUNT, account_id) >= MAX_RECEIPT_RULES:
            message = f"rule_name: an account has up to {MAX_RECEIPT_RULES} receipt rules; delete one first"
            raise ApiError(400, "too_many", message, "rule_name")
        await _check_name(database, account_id, given.rule_name)
        row = await database.fetchrow(ADD, account_id, given.rule_name, *what, given.enabled)
    return success("New receipt rule has been added.", _shown(row))


@router.get(_ONE)
async def read_receipt_rule(
    receipt_rule_id: PathId, account_id: CallerAccountId, database: Database
) -> Envelope[ReceiptRule]:
    return success("Here is your receipt rule.", await _one(database, account_id, receipt_rule_id))


@router.put(_ONE)
async def update_receipt_rule(
    receipt_rule_id: PathId,
    given: ReceiptRuleChange,
    account_id: CallerAccountId,
    database: Database,
    ports: WebhookPorts,
) -> Envelope[ReceiptRule]:
    """Change a rule; it holds for the receipts that come from then on."""
    async with database.transaction():
        await database.execute(LOCK_ACCOUNT, account_id)
        old = await _one(database, account_id, receipt_rule_id)
        name = given.rule_name or old.rule_name
        address = old.action_address if given.action_address is None else given.action_address
        enabled = bool(old.enabled) if given.enabled is None else given.enabled
        what = _checked(given.action or old.action, address, ports)
        await _check_name(database, account_id, name, receipt_rule_id)
        row = await database.fetchrow(CHANGE, account_id, receipt_rule_id, name, *what, enabled)
    return success("Receipt rule has been updated.", _shown(row))


@router.delete(_ONE)
async def delete_receipt_rule(
    receipt_rule_id: PathId, account_id: CallerAccountId, database: Database
) -> Envelope[list[str]]:
    """Delete a rule; calls that it asked for before are still made."""
    if await database.fetchval(DELETE, account_id, receipt_rule_id) is None:
        raise _missing(receipt_rule_id)
    return success("Receipt rule has been deleted.", list[str]())


def _checked(action: str, address: str | None, ports: Collection[int]) -> tuple[str, str | None]:
    """Return an action and its address; None where it takes none."""
    if action not in _ACTIONS:
        message = (
            f"action: {action!r} is not served for receipts; use URL to have them called in, or POLL to fetch them"
        )
        raise ApiError(400, "unsupported", message, "action")
    if action != "URL":
        return action, None
    wrong = why_not_called(address or "", ports)
    if wrong is not None:
        raise ApiError(400, "invalid", f"action_address: {wrong}", "action_address")
    return action, address


async def _check_name(database: Connection, account_id: str, name: str, own_id: int | None = None) -> None:
    if await database.fetchval(NAMESAKE, account_id, name) not in (None, own_id):
        message = f"rule_name: there is a receipt rule {name!r} already; choose another name"
        raise ApiError(400, "duplicate", message, "rule_name")


async def _one(database: Connection, account_id: str, rule_id: int) -> ReceiptRule:
    row = await database.fetchrow(ONE, account_id, rule_id)
    if row is None:
        raise _missing(rule_id)
    return _shown(row)


def _missing(rule_id: int) -> ApiError:
    message = f"receipt_rule_id: there is no receipt rule {rule_id}"
    return ApiError(404, "not_found", message, "receipt_rule_id")


def _shown(row: Any) -> ReceiptRule:
    return ReceiptRule(
        receipt_rule_id=row["receipt_rule_id"],
        rule_name=row["name"],
        action=row["action"],
        action_address=row["action_address"],
        enabled=int(row["enabled"]),
    )
