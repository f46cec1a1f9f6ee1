"""The gateways of an account, and which of them answer STOP themselves, whatever we keep silent about."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter

from services.optout.api.accounts import webhook_of
from services.optout.api.answers_about_gateways import ShownGateways
from services.optout.api.context import CallingUser, Database
from services.optout.api.request_limits import GuardedRoute
from services.optout.api.runtime import ApiRuntime
from services.optout.api.settings import ApiSettings
from services.optout.carrier_blocks import BY_CARRIER
from services.optout.decision_log.origin import REQUEST, REVIEW
from shared.answers_stop import HOW_TO_SWITCH_OFF
from shared.events.base import format_time
from shared.gateways import KNOWN_GATEWAYS, KnownGateway
from shared.reception.state import ReceptionState

DOCUMENTED = "docs/carriers.md#carriers-that-answer-stop-themselves"

# The gateways of the last entries: when each was heard from, and when it last took a reply as an opt-out by itself.
GATEWAYS = r"""
SELECT gateway, max(decided_at) AS heard_at,
    max(decided_at) FILTER (WHERE is_block AND body LIKE '%the carrier took the reply as an opt-out') AS took_stop_at,
    max(decided_at) FILTER (WHERE is_block) AS blocked_at
FROM (
    SELECT decided_at, body, is_block, entry ->> CASE WHEN is_block THEN 'by' ELSE 'gateway' END AS gateway
    FROM (
        SELECT decided_at, body, entry, coalesce(entry -> 'request' ->> 'source' = $2, false) AS is_block
        FROM (
            SELECT decided_at, body, replace(entry, '\u0000', '\ufffd')::json AS entry
            FROM decisions WHERE account_id = $1 ORDER BY decided_at DESC, event_id DESC LIMIT 1000
        ) parsed
    ) newest
) last
WHERE gateway <> ALL($3::text[]) GROUP BY gateway ORDER BY gateway
"""

router = APIRouter(route_class=GuardedRoute)


@router.get("/v1/account/gateways", response_model=ShownGateways)
async def read_gateways(user: CallingUser, database: Database, runtime: ApiRuntime) -> dict[str, Any]:
    """Return the gateways of the account's last 1,000 entries; what is set at a gateway itself is not known here."""
    rows = await database.fetch(GATEWAYS, user.account_id, BY_CARRIER, [REQUEST, REVIEW])
    reception = runtime.reception
    return {
        "gateways": [_shown(row, reception.complete_to(user.account_id, row["gateway"])) for row in rows],
        "addresses": _addresses(runtime.settings, user.account_id) if user.may("settings") else None,
        "reception": _reception(reception, datetime.now(UTC)),
    }


def _shown(row: Any, caught_up_to: datetime | None) -> dict[str, Any]:
    how = HOW_TO_SWITCH_OFF.get(row["gateway"])
    return {
        "gateway": row["gateway"],
        "heard_at": format_time(row["heard_at"]),
        "answers_stop_itself": "not_known" if how is None else "by_default",
        "took_stop_itself_at": _time(row["took_stop_at"]),
        "blocked_at": _time(row["blocked_at"]),
        "caught_up_to": _time(caught_up_to),
        "how_to_switch_it_off": how,
        "documentation": DOCUMENTED,
    }


def _addresses(settings: ApiSettings, account_id: str) -> list[dict[str, Any]]:
    return [_address(settings, account_id, name, known) for name, known in KNOWN_GATEWAYS.items()]


def _address(settings: ApiSettings, account_id: str, gateway: str, known: KnownGateway) -> dict[str, Any]:
    url = webhook_of(settings, account_id, gateway)["webhook_url"]
    return {
        "gateway": gateway,
        "title": known.title,
        "console": known.console,
        "webhook_url": url,
        "receipts_console": known.receipts,
        "receipts_url": None if known.receipts is None else f"{url}/receipts",
    }


def _reception(state: ReceptionState, now: datetime) -> dict[str, Any]:
    heard = state.receives
    word = "not_known" if heard is None else "receiving" if now - heard.until <= state.limits.gap else "silent"
    return {
        "state": word if state.is_read else "not_known",
        "confirmed_at": None if heard is None else format_time(heard.until),
        "since": None if heard is None else _time(heard.since),
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else format_time(moment)
