"""Opt-outs and opt-ins by request: by phone call, by mail, by hand; each with what was said, and a token."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID, uuid4

from fastapi import APIRouter, Header, Response
from pydantic import AfterValidator, Field, StringConstraints

from services.optout.api.answers import TakenRequest
from services.optout.api.carrier_blocks import refuse_blocked
from services.optout.api.context import CallerAccountId, Database
from services.optout.api.errors import ApiError
from services.optout.api.fields import GivenPhone, RequestBody, without_nul
from services.optout.api.phones import asked_phone
from services.optout.api.request_limits import GuardedRoute
from services.optout.api.requests import Request, Token
from services.optout.api.runtime import ApiRuntime, Runtime
from services.optout.decision_log.entry import entry_adapter
from shared.events.base import Time, derived_id
from shared.events.inbound import MAX_SCOPES, OptInRequested, OptOutRequested
from shared.phones import normalise_sender_number
from shared.postgres import Connection
from shared.scopes import Scope, list_id_of, list_scope, sender_scope

OWN_LISTS = "SELECT list_id, kind FROM contact_lists WHERE account_id = $1 AND list_id = ANY($2::bigint[])"
DECISION = "SELECT entry FROM decisions WHERE event_id = $1 AND account_id = $2"
_ACCEPTED = 202
_MAX_STATEMENT = 10_000

_NOT_YET: dict[int | str, dict[str, Any]] = {
    202: {"description": "Accepted; not in the record yet.", "model": TakenRequest}
}

router = APIRouter(route_class=GuardedRoute)

Statement: TypeAlias = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=_MAX_STATEMENT), AfterValidator(without_nul)
]
By: TypeAlias = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(without_nul)
]
IdempotencyKey: TypeAlias = Annotated[str | None, Header(min_length=1, max_length=200)]


class _Preference(RequestBody):
    phone: GivenPhone
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=MAX_SCOPES)]
    by: By


class NewOptOut(_Preference):
    """An opt-out; `asked_at` is when the person asked, if that was not just now."""

    source: Literal["api", "phone_call", "mail", "by_hand"] = "api"
    statement: Statement | None = None
    asked_at: Time | None = None


class NewOptIn(_Preference):
    """An opt-in; `statement` is the wording that the person agreed to, or the reason.

    With `lifts`, the `event_id` of an opt-out's cause, it lifts that opt-out alone, and none that was asked for since.
    """

    source: Literal["api", "phone_call", "mail", "by_hand", "web_form"] = "api"
    statement: Statement
    consented_at: Time | None = None
    lifts: UUID | None = None


@router.post(
    "/v1/opt-outs", status_code=201, response_model=TakenRequest, response_model_exclude_unset=True, responses=_NOT_YET
)
async def create_opt_out(  # noqa: PLR0913, PLR0917 (FastAPI's parameters)
    new: NewOptOut,
    account_id: CallerAccountId,
    database: Database,
    runtime: ApiRuntime,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Opt a number out of the scopes, such as `list:12`, `account` or `sender:+18335550123`.

    From the answer on no message to it passes, also where the answer is 202.
    """
    event = OptOutRequested(
        **await _common(database, account_id, new),
        source=new.source,
        statement=new.statement,
        asked_at=_past(new.asked_at, "asked_at"),
    )
    return await _request(runtime, database, _identified(event, idempotency_key), response)


@router.post(
    "/v1/opt-ins", status_code=201, response_model=TakenRequest, response_model_exclude_unset=True, responses=_NOT_YET
)
async def create_opt_in(  # noqa: PLR0913, PLR0917 (FastAPI's parameters)
    new: NewOptIn,
    account_id: CallerAccountId,
    database: Database,
    runtime: ApiRuntime,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Lift the opt-outs of exactly these scopes; only consent that was given after an opt-out lifts it.

    409 `blocked_by_carrier`: the carrier itself refuses to send from that number; only the recipient's START ends that.
    """
    common = await _common(database, account_id, new)
    await refuse_blocked(database, account_id, common["phone"], common["scopes"])
    event = OptInRequested(
        **common,
        source=new.source,
        statement=new.statement,
        consented_at=_past(new.consented_at, "consented_at"),
        lifts=new.lifts,
    )
    return await _request(runtime, database, _identified(event, idempotency_key), response)


async def _common(database: Connection, account_id: str, new: _Preference) -> dict[str, Any]:
    """Return the fields that opt-outs and opt-ins have in common."""
    return {
        "event_id": uuid4(),
        "occurred_at": datetime.now(UTC),
        "account_id": account_id,
        "phone": await asked_phone(database, account_id, new.phone),
        "scopes": await _scopes(database, account_id, new.scopes),
        "by": new.by,
    }


def _identified(event: Request, idempotency_key: str | None) -> Request:
    """Return the event with the id by which it counts once: of the key and of all that it asks for.

    So a key that was used for something else holds up no opt-out.
    """
    if idempotency_key is None:
        return event
    asked = event.model_dump_json(exclude={"event_id", "occurred_at"})
    return event.model_copy(update={"event_id": derived_id(event.account_id, "request", idempotency_key, asked)})


async def _scopes(database: Connection, account_id: str, given: list[str]) -> tuple[str, ...]:
    """Return the scopes in one spelling; a list that is not the account's looks like none."""
    scopes = tuple(dict.fromkeys(_scope(each) for each in given))
    list_ids = {list_id for scope in scopes if (list_id := list_id_of(scope)) is not None}
    known = {row["list_id"]: row["kind"] for row in await database.fetch(OWN_LISTS, account_id, sorted(list_ids))}
    for list_id in sorted(list_ids - known.keys()):
        raise ApiError(404, "not_found", f"scopes: there is no list {list_id}; GET /v1/lists shows yours", "scopes")
    for list_id in (list_id for list_id, kind in known.items() if kind == "opt_outs"):
        message = f"scopes: nothing is sent to list {list_id}, the opt-out list; for all lists write account"
        raise ApiError(422, "invalid", message, "scopes")
    return scopes


def _scope(text: str) -> str:
    kind, _, value = text.partition(":")
    if kind == "list":
        return list_scope(int(value))
    try:
        return sender_scope(normalise_sender_number(value)) if kind == "sender" else text
    except ValueError as error:
        raise ApiError(422, "invalid", f"scopes: {error}", "scopes") from None


def _past(moment: datetime | None, field: str) -> datetime | None:
    if moment is None:
        return None
    if moment > datetime.now(UTC):
        raise ApiError(422, "invalid", f"{field}: this time is in the future", field)
    return moment


async def _request(runtime: Runtime, database: Connection, event: Request, response: Response) -> dict[str, Any]:
    token: Token = await runtime.requests.publish(event)
    answer = {"event_id": str(event.event_id), "phone": event.phone, "token": str(token), "in_effect": True}
    if not await runtime.freshness.wait([token]):
        response.status_code = _ACCEPTED
        return {**answer, "in_effect": False, "see": f"/v1/suppressions/{event.phone}?at_least_as_fresh={token}"}
    text = await database.fetchval(DECISION, event.event_id, event.account_id)
    if text is None:
        return {**answer, "reason": "repeated", "changed": []}
    entry = entry_adapter.validate_json(text)
    return {**answer, "reason": entry.reason, "changed": [*entry.changed, *entry.raised]}
