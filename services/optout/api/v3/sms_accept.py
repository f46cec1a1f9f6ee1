"""Which of the messages of a call are accepted, each with a status of its own, and how they are kept."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from services.optout.api.gate_checks import early_verdict
from services.optout.api.phones import country_of
from services.optout.api.rights import ApiUser
from services.optout.api.v3.sms_lists import TOO_MANY, Members, for_member, members_of
from services.optout.api.v3.sms_models import GivenMessage, GivenMessages
from services.optout.campaigns.expand import MAX_TEXT_CHARACTERS
from services.optout.campaigns.members import Audience
from services.optout.contact_phone import contact_phone
from services.optout.decision_log.drops import RefusedMessage, save_refusals
from services.optout.decision_log.gate_settings import load_gate_settings
from services.optout.sending.lists_of_numbers import ListOfNumber, add_lists
from services.optout.sending.screening import Asked, forbidden
from shared.events.base import storable
from shared.events.outbound import MAX_ALSO_LISTS
from shared.fair_hours.places import is_state
from shared.gate import GateSettings, Rejection, RejectionReason
from shared.opt_out_links import TOKEN_CHARACTERS, with_link
from shared.phones import normalise_sender_number
from shared.postgres import Connection
from shared.segments import segments_of

ACCEPTED = "SUCCESS"
OPTED_OUT = "RECIPIENT_OPTED_OUT"
_REJECTED: Mapping[RejectionReason, str] = {
    "no_way_out": "OPT_OUT_INSTRUCTION_MISSING",
    "word_without_rule": "OPT_OUT_WORD_WITHOUT_RULE",
    "too_long": "MESSAGE_TOO_LONG",
    "no_links": "OPT_OUT_LINKS_NOT_CONFIGURED",
    "unknown_list": "NOT_ENOUGH_PERMISSION_TO_LIST_ID",
}
_LATEST = timedelta(days=366)
_MAX_DIGITS = 15
_ANY_TOKEN = "0" * TOKEN_CHARACTERS
"""As long as a message's own, which the sender makes."""

# The account's default list, those of the lists asked for that are its own, and its sender numbers.
KNOWN = """
SELECT (SELECT list_id FROM contact_lists WHERE account_id = $1 AND kind = 'default') AS default_list,
    ARRAY(
        SELECT list_id FROM contact_lists
        WHERE account_id = $1 AND list_id = ANY($2::bigint[]) AND kind <> 'opt_outs' AND deleted_at IS NULL
    ) AS lists,
    ARRAY(SELECT DISTINCT sender_number FROM lists_of_senders WHERE account_id = $1 LIMIT 2) AS numbers,
    ARRAY(
        SELECT sender_number FROM lists_of_senders WHERE account_id = $1 GROUP BY sender_number HAVING count(*) > $3
    ) AS full_numbers
"""

ADD = """
INSERT INTO messages (account_id, message_id, user_id, subaccount_id, list_id, contact_id, has_list, phone,
    sender_number, body, parts, custom_string, country, source, from_email, schedule, purpose, recipient_state,
    created_at, publish_at)
SELECT $1, message_id, $2, $3, list_id, contact_id, has_list, phone, sender_number, body, parts, custom_string, country,
    source, from_email, schedule, purpose, recipient_state, $4, coalesce(schedule, $4)
FROM unnest($5::text[], $6::bigint[], $7::bigint[], $8::boolean[], $9::text[], $10::text[], $11::text[], $12::int[],
    $13::text[], $14::text[], $15::text[], $16::text[], $17::timestamptz[], $18::text[], $19::text[])
    AS given (message_id, list_id, contact_id, has_list, phone, sender_number, body, parts, custom_string, country,
        source, from_email, schedule, purpose, recipient_state)
"""


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """The facts of an account: its country, its lists among those asked for, the number of messages that name none.

    `may_read_contacts` is the user's: a message to a whole list returns each member's phone and fields.
    """

    country: str | None
    default_list: int
    lists: frozenset[int]
    number: str | None
    full_numbers: frozenset[str]
    number_of_country: Mapping[str, str]
    may_read_contacts: bool


@dataclass(frozen=True, slots=True)
class ExaminedMessage:
    """A message of a call, as far as it was understood; `status` says whether it is accepted.

    `forbidden_by` is the scope of the opt-out that forbids it.
    """

    given: GivenMessage
    status: str
    phone: str = ""
    sender_number: str = ""
    list_id: int = 0
    has_list: bool = True
    schedule: datetime | None = None
    message_id: str = ""
    forbidden_by: str = ""
    leaves_as: str | None = None
    """The text with what the account appends, and with a link in its place."""

    @property
    def body(self) -> str:
        return storable(self.given.body or "")

    @property
    def parts(self) -> int:
        return segments_of(self.body if self.leaves_as is None else self.leaves_as).number

    @property
    def contact_id(self) -> int | None:
        return _id(self.given.contact_id)


async def examined(
    connection: Connection, user: ApiUser, given: GivenMessages, now: datetime, link_url: str | None
) -> list[ExaminedMessage]:
    """Return the messages with their statuses, in their order; nothing is kept yet."""
    known = await _known(connection, user, given)
    members = await members_of(connection, [_audience(user.account_id, each, known) for each in given.messages])
    wanted = list(zip(given.messages, members, strict=True))
    messages = await asyncio.to_thread(lambda: [each for pair in wanted for each in _all_examined(*pair, known, now)])
    gate_settings = (await load_gate_settings(connection, [user.account_id]))[user.account_id]
    messages = await asyncio.to_thread(lambda: [_gated(each, gate_settings, link_url) for each in messages])
    places = [place for place, each in enumerate(messages) if each.status == ACCEPTED]
    found = await forbidden(connection, user.account_id, [_asked(messages[place]) for place in places])
    for place, scope in found.items():
        messages[places[place]] = replace(messages[places[place]], status=OPTED_OUT, forbidden_by=scope)
    return messages


def _gated(each: ExaminedMessage, gate_settings: GateSettings, link_url: str | None) -> ExaminedMessage:
    """Return the message with the status that the sender's gate would give it now, and the text that would leave."""
    if each.status != ACCEPTED:
        return each
    verdict = early_verdict(each.body, each.sender_number, gate_settings)
    if isinstance(verdict, Rejection):
        return replace(each, status=_REJECTED[verdict.reason])
    return replace(each, leaves_as=verdict if link_url is None else with_link(verdict, link_url, _ANY_TOKEN))


async def keep(
    connection: Connection, user: ApiUser, messages: Sequence[ExaminedMessage], now: datetime
) -> list[ExaminedMessage]:
    """Keep the accepted messages, which are published from then on; return all, those with their ids.

    Those that an opt-out forbids are a part of the recipient's story.
    """
    numbered = [replace(each, message_id=str(uuid4())) if each.status == ACCEPTED else each for each in messages]
    rows = [_row(each) for each in numbered if each.message_id]
    if rows:
        columns = zip(*rows, strict=True)
        await connection.execute(ADD, user.account_id, user.user_id, user.subaccount_id, now, *map(list, columns))
    refused = (_refused(each) for each in numbered if each.status == OPTED_OUT)
    await save_refusals(connection, user.account_id, refused, now)
    of_lists = [each for each in numbered if each.message_id and each.has_list]
    await add_lists(connection, (ListOfNumber(user.account_id, each.sender_number, each.list_id) for each in of_lists))
    return numbered


def _row(each: ExaminedMessage) -> tuple[object, ...]:
    given = each.given
    where = each.message_id, each.list_id, each.contact_id, each.has_list, each.phone, each.sender_number
    texts = given.custom_string or "", (given.country or "").upper(), given.source or "", given.from_email
    return *where, each.body, each.parts, *texts, each.schedule, given.purpose, given.recipient_state or None


def _refused(each: ExaminedMessage) -> RefusedMessage:
    return RefusedMessage(each.phone, each.list_id, each.sender_number, each.forbidden_by)


def _asked(each: ExaminedMessage) -> Asked:
    return Asked(each.phone, each.sender_number, each.list_id, each.has_list, bool(each.given.sender))


async def _known(connection: Connection, user: ApiUser, given: GivenMessages) -> AccountFacts:
    asked = {_id(each.list_id) for each in given.messages} - {None}
    (row,) = await connection.fetch(KNOWN, user.account_id, list(asked), MAX_ALSO_LISTS)
    senders = ((each.recipient_country_code, each.sender_id) for each in given.senders or ())
    return AccountFacts(
        country=await country_of(connection, user.account_id),
        default_list=row["default_list"],
        lists=frozenset(row["lists"]),
        number=row["numbers"][0] if len(row["numbers"]) == 1 else None,
        full_numbers=frozenset(row["full_numbers"]),
        number_of_country={country.upper(): number for country, number in senders if country and number},
        may_read_contacts=user.may("contacts"),
    )


def _audience(account_id: str, given: GivenMessage, known: AccountFacts) -> Audience | None:
    """Return who is meant by a message to a whole list; None for any other."""
    list_id = _id(given.list_id)
    if given.to or list_id is None or list_id not in known.lists or not known.may_read_contacts:
        return None
    number = _number(given, known)
    return Audience(account_id, list_id, number) if number else None


def _all_examined(
    given: GivenMessage, members: Members, known: AccountFacts, now: datetime
) -> Iterator[ExaminedMessage]:
    """Give a message as it was understood; one to a list once for each of its members."""
    if members == TOO_MANY:
        yield replace(_examined(given, known, now), status=TOO_MANY)
    elif not members:
        yield _examined(given, known, now)
    elif len(given.body or "") > MAX_TEXT_CHARACTERS:
        yield replace(_examined(given, known, now), status="MESSAGE_TOO_LONG")
    else:
        for member in members:
            made = _examined(for_member(given, member), known, now)
            yield made if len(made.body) <= MAX_TEXT_CHARACTERS else replace(made, status="MESSAGE_TOO_LONG")


def _examined(given: GivenMessage, known: AccountFacts, now: datetime) -> ExaminedMessage:
    list_id = known.default_list if given.list_id is None else _id(given.list_id)
    schedule = _time(given.schedule)
    message = ExaminedMessage(
        given,
        status=ACCEPTED,
        phone=_phone(given, known),
        sender_number=_number(given, known),
        list_id=list_id or 0,
        has_list=given.list_id is not None,
        schedule=schedule if schedule is not None and schedule > now else None,
    )
    return replace(message, status=_status_of(message, known, now))


def _status_of(message: ExaminedMessage, known: AccountFacts, now: datetime) -> str:
    """Return the first problem of the message in this order, as ClickSend names it; else that it is accepted."""
    given, schedule = message.given, _time(message.given.schedule)
    problems = (
        ("MISSING_REQUIRED_FIELDS", not given.to and not message.has_list),
        ("EMPTY_MESSAGE", not (given.body or "").strip()),
        ("INVALID_SCHEDULE", given.schedule and (schedule is None or schedule > now + _LATEST)),
        ("NOT_ENOUGH_PERMISSION_TO_LIST_ID", not message.list_id or not _may_name(given, message.list_id, known)),
        # More lists than a request can name: say which list it is.
        ("MISSING_REQUIRED_FIELDS", not message.has_list and message.sender_number in known.full_numbers),
        ("INVALID_SENDER_ID", not message.sender_number),
        ("INVALID_RECIPIENT", not message.phone),  # also of a list without members
        ("INVALID_RECIPIENT_STATE", given.recipient_state and not is_state(given.recipient_state)),
    )
    return next((status for status, is_so in problems if is_so), ACCEPTED)


def _may_name(given: GivenMessage, list_id: int, known: AccountFacts) -> bool:
    is_own = given.list_id is None or list_id in known.lists
    return is_own and (bool(given.to) or known.may_read_contacts)


def _phone(given: GivenMessage, known: AccountFacts) -> str:
    """Return whom the message is to; empty where that is not a number."""
    try:
        return contact_phone(given.to or "", (given.country or "").upper() or known.country)
    except ValueError:
        return ""


def _number(given: GivenMessage, known: AccountFacts) -> str:
    """Return what the message is from: as named, of the recipient's country, or the only one; else empty."""
    named = given.sender or known.number_of_country.get((given.country or known.country or "").upper()) or known.number
    try:
        return normalise_sender_number(named or "")
    except ValueError:
        return ""


def _id(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else None


def _time(seconds: int | None) -> datetime | None:
    """Return the time of a schedule; None where it has none, or one out of the calendar."""
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds and seconds > 0 else None
    except (OverflowError, ValueError, OSError):
        return None
