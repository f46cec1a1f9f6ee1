"""The one answer that an account's opt-outs may get: off, unless it has a text for the recipient's country."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import AfterValidator, Field, StringConstraints

from services.optout.api.account_rules import LOCK_ACCOUNT, current_rules
from services.optout.api.answers_about_sending import ShownConfirmations
from services.optout.api.context import CallerAccountId, Database
from services.optout.api.errors import ApiError
from services.optout.api.fields import Country, RequestBody, without_nul
from services.optout.api.request_limits import GuardedRoute
from services.optout.confirmation_texts import CheckedText, why_not
from services.optout.decision_log.stored_confirmations import confirmations_text, stored_confirmations
from services.optout.rules import DEFAULT_RULES, VersionedRule
from shared.events.suppression import MAX_CONFIRMATIONS, PublishedConfirmation
from shared.instructions.normalise import normalise
from shared.phones.event_fields import normalise_sender_number
from shared.postgres import Connection
from shared.segments import segments_of

_MAX_CHARACTERS = 320
READ = "SELECT name, opt_out_confirmations FROM accounts WHERE account_id = $1"
SET = "UPDATE accounts SET opt_out_confirmations = $2::jsonb WHERE account_id = $1"

router = APIRouter(route_class=GuardedRoute)

_Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=_MAX_CHARACTERS),
    AfterValidator(without_nul),
]


class GivenConfirmation(RequestBody):
    """The text of a country, or of one sender number there; with `asks_scope` it offers the `list_word`.

    `carrier_is_silent` says that what the carrier answers to STOP by default (Twilio, Telnyx, AWS) is switched off
    there: without it, opt-outs that come through one of these are not confirmed.
    """

    country: Country
    sender_number: Annotated[str, StringConstraints(max_length=40)] | None = None
    text: _Text
    asks_scope: bool = False
    list_word: Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)] | None = None
    carrier_is_silent: bool = False


class GivenConfirmations(RequestBody):
    """All confirmations of an account; an empty list switches them off."""

    confirmations: Annotated[tuple[GivenConfirmation, ...], Field(max_length=MAX_CONFIRMATIONS)]


@router.get("/v1/account/opt-out-confirmation", response_model=ShownConfirmations)
async def read_opt_out_confirmation(account_id: CallerAccountId, database: Database) -> dict[str, Any]:
    """Return the texts that answer an opt-out, by country; without any, the account answers none."""
    return await _shown(database, account_id)


@router.put("/v1/account/opt-out-confirmation", response_model=ShownConfirmations)
async def change_opt_out_confirmation(
    given: GivenConfirmations, account_id: CallerAccountId, database: Database
) -> dict[str, Any]:
    """Set the texts that answer an opt-out; they hold for every opt-out that is decided from then on."""
    wanted = tuple(_settled(each, at) for at, each in enumerate(given.confirmations))
    _check_distinct(wanted)
    async with database.transaction():
        await database.execute(LOCK_ACCOUNT, account_id)
        rules = await current_rules(database, account_id)
        name = await database.fetchval(READ, account_id)
        await asyncio.to_thread(_check_texts, wanted, name, rules)
        await database.execute(SET, account_id, confirmations_text(wanted))
    return await _shown(database, account_id)


def _settled(given: GivenConfirmation, at: int) -> PublishedConfirmation:
    if given.asks_scope != (given.list_word is not None):
        field = f"confirmations.{at}.list_word"
        said = "write the word that the text offers for the list" if given.asks_scope else "it needs asks_scope: true"
        raise ApiError(422, "invalid", f"{field}: {said}", field)
    return PublishedConfirmation(
        country=given.country,
        sender_number=_number(given.sender_number, f"confirmations.{at}.sender_number"),
        text=given.text,
        asks_scope=given.asks_scope,
        list_word=None if given.list_word is None else normalise(given.list_word),
        carrier_is_silent=given.carrier_is_silent,
    )


def _number(given: str | None, field: str) -> str | None:
    try:
        return None if given is None else normalise_sender_number(given)
    except ValueError as error:
        raise ApiError(422, "invalid", f"{field}: {error}", field) from None


def _check_distinct(wanted: tuple[PublishedConfirmation, ...]) -> None:
    seen: set[tuple[str, str | None]] = set()
    for at, each in enumerate(wanted):
        key = each.country, each.sender_number
        if key in seen:
            field = f"confirmations.{at}"
            raise ApiError(422, "duplicate", f"{field}: there is one for the same country and number already", field)
        seen.add(key)


def _check_texts(wanted: tuple[PublishedConfirmation, ...], name: str, rules: list[VersionedRule]) -> None:
    """Refuse a text that is not only a confirmation, as far as the lists can say it.

    Raises:
        ApiError: 422; it says what to leave out.
    """
    active = rules or [VersionedRule(0, 1, rule) for rule in DEFAULT_RULES]
    for at, each in enumerate(wanted):
        problem = why_not(CheckedText(each.text, name, each.list_word), active)
        if problem is not None:
            raise ApiError(422, "invalid", f"confirmations.{at}.{problem}", f"confirmations.{at}")


async def _shown(database: Connection, account_id: str) -> dict[str, Any]:
    row = await database.fetchrow(READ, account_id)
    found = stored_confirmations(row["opt_out_confirmations"]) if row is not None else ()
    return {"confirmations": [{**dict(each), "segments": segments_of(each.text).number} for each in found]}
