"""A number: on which of the account's lists it is, and what keeps messages from it now, with what caused that."""

from typing import Annotated, Any

import phonenumbers
from fastapi import APIRouter, Query

from services.optout.api.answers_about_numbers import ShownNumber
from services.optout.api.context import CallerAccountId, Database, Fresh
from services.optout.api.phones import asked_phone
from services.optout.api.request_limits import GuardedRoute
from services.optout.decision_log.entry import entry_adapter
from shared.events.base import format_time
from shared.phones.country import country_of_phone
from shared.scopes import list_id_of

_MAX_SHOWN = 1_000

# The lists of an account that a phone is on, or was taken off by somebody, each once.
LISTS_OF_PHONE = """
SELECT DISTINCT ON (c.list_id) c.list_id, l.name, c.added_at, c.removed_at
FROM contacts c JOIN contact_lists l ON l.list_id = c.list_id AND l.account_id = $1
WHERE c.account_id = $1 AND c.phone = $2 AND l.deleted_at IS NULL
ORDER BY c.list_id, c.removed_at DESC NULLS FIRST LIMIT $3
"""

# Every scope in which the phone was ever opted out, held or opted in, with the decision that made it so. What stops
# most comes first, so that it is there however many there are.
STATES_OF_PHONE = """
SELECT s.scope, s.state, s.source, s.gateway, s.cause_event_id, s.changed_at, s.is_opt_out, d.body, d.entry,
    l.name AS list_name
FROM suppressions s
LEFT JOIN decisions d ON d.event_id = s.cause_event_id
LEFT JOIN contact_lists l ON l.account_id = $1
    AND l.list_id = CASE WHEN s.scope LIKE 'list:%' THEN substr(s.scope, 6)::bigint END
WHERE s.account_id = $1 AND s.phone = $2
ORDER BY s.scope <> 'account', s.state = 'opted_in', s.changed_at DESC, s.scope LIMIT $3
"""

router = APIRouter(route_class=GuardedRoute)


@router.get("/v1/numbers", dependencies=[Fresh], response_model=ShownNumber)
async def read_number(
    phone: Annotated[str, Query(max_length=200)], account_id: CallerAccountId, database: Database
) -> dict[str, Any]:
    """Read where a number is, and what keeps messages from it; it may be written in any way, also a national one."""
    known = await asked_phone(database, account_id, phone)
    lists = await database.fetch(LISTS_OF_PHONE, account_id, known, _MAX_SHOWN)
    states = await database.fetch(STATES_OF_PHONE, account_id, known, _MAX_SHOWN)
    return {
        "phone": known,
        "country": country_of_phone(known),
        "written": phonenumbers.format_number(phonenumbers.parse(known), phonenumbers.PhoneNumberFormat.INTERNATIONAL),
        "lists": [_list_shown(row) for row in lists],
        "states": [_state_shown(row) for row in states],
    }


def _list_shown(row: Any) -> dict[str, Any]:
    removed_at = None if row["removed_at"] is None else format_time(row["removed_at"])
    added_at = format_time(row["added_at"])
    return {"list_id": row["list_id"], "name": row["name"], "added_at": added_at, "removed_at": removed_at}


def _state_shown(row: Any) -> dict[str, Any]:
    entry = None if row["entry"] is None else entry_adapter.validate_json(row["entry"])
    return {
        "scope": row["scope"],
        "list_id": list_id_of(row["scope"]),
        "list_name": row["list_name"],
        "state": row["state"],
        "is_opt_out": row["is_opt_out"],
        "source": row["source"] or "reply",
        "gateway": row["gateway"],
        "changed_at": format_time(row["changed_at"]),
        "cause_event_id": str(row["cause_event_id"]),
        "text": row["body"],
        "rule": None if entry is None else entry.rule,
        "by": None if entry is None else entry.by,
    }
