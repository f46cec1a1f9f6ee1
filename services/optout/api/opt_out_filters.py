"""Filters of the opt-out list: each is a condition that is added to its query, so that each combination has a plan."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import Depends, Query
from pydantic import AwareDatetime

from services.optout.api.context import CallerAccountId, Database
from services.optout.api.errors import ApiError
from services.optout.api.known_list import require_list
from services.optout.api.phones import PhoneFilter
from shared.events.base import ListId
from shared.phones import normalise_sender_number
from shared.scopes import list_scope

OptOutSourceFilter = Literal["reply", "link", "api", "import", "by_hand", "phone_call", "mail", "carrier"]

# The opt-outs of account $1, to which conditions are added; each with the decision that made it. A list is looked up by
# its id: by its scope, all of the account's would be compared with each opt-out.
LISTED_OPT_OUTS = """
SELECT s.suppression_id, s.phone, s.scope, s.state, s.source, s.changed_at, s.cause_event_id, d.body, d.entry,
    l.name AS list_name
FROM suppressions s
LEFT JOIN decisions d ON d.event_id = s.cause_event_id
LEFT JOIN contact_lists l ON l.account_id = $1
    AND l.list_id = CASE WHEN s.scope LIKE 'list:%' THEN substr(s.scope, 6)::bigint END
WHERE s.account_id = $1 AND (s.is_opt_out OR s.state = 'held')
"""


@dataclass(frozen=True, slots=True)
class OptOutFilters:
    """The conditions that a caller asks for, with the values of their parameters; $1 is the account."""

    conditions: Sequence[str]
    values: Sequence[object]

    def query(self, order: str, *placed: object) -> tuple[str, list[object]]:
        """Return the query and its values.

        Args:
            order: what follows the conditions, with `{}` for each of `placed`, and at its end one for the limit.
            placed: the values that `order` names.
        """
        first = 1 + len(self.values)
        places = (f"${first + number}" for number in range(len(placed) + 1))
        return f"{LISTED_OPT_OUTS} {' '.join(self.conditions)} {order.format(*places)}", [*self.values, *placed]


async def _filters(  # noqa: PLR0913, PLR0917 (FastAPI's parameters)
    account_id: CallerAccountId,
    database: Database,
    phone: PhoneFilter,
    list_id: Annotated[ListId | None, Query()] = None,
    source: Annotated[OptOutSourceFilter | None, Query()] = None,
    sender_number: Annotated[str | None, Query(max_length=200)] = None,
    state: Annotated[Literal["opted_out", "held"] | None, Query()] = None,
    since: Annotated[AwareDatetime | None, Query()] = None,
    until: Annotated[AwareDatetime | None, Query()] = None,
) -> OptOutFilters:
    if list_id is not None:
        await require_list(database, account_id, list_id)
    given: list[tuple[str, object]] = [
        ("s.phone = {}", phone),
        ("s.scope = {}", None if list_id is None else list_scope(list_id)),
        ("coalesce(s.source, 'reply') = {}", source),
        ("({0} = s.sender_number OR s.scope = 'sender:' || {0})", _sender_number(sender_number)),
        ("s.state = {}", state),
        ("s.changed_at >= {}", _in_the_calendar(since, "since")),
        ("s.changed_at < {}", _in_the_calendar(until, "until")),
    ]
    asked = [(condition, value) for condition, value in given if value is not None]
    conditions = [f"AND {condition.format(f'${n}')}" for n, (condition, _) in enumerate(asked, 2)]
    return OptOutFilters(conditions, [account_id, *(value for _, value in asked)])


AskedOptOuts = Annotated[OptOutFilters, Depends(_filters)]


def _sender_number(text: str | None) -> str | None:
    try:
        return None if text is None else normalise_sender_number(text)
    except ValueError as error:
        raise ApiError(422, "invalid", f"sender_number: {error}", "sender_number") from None


def _in_the_calendar(moment: datetime | None, field: str) -> datetime | None:
    """Return a time that Postgres can compare: also in UTC it is within the calendar."""
    try:
        return None if moment is None else moment.astimezone(tz=UTC)
    except OverflowError:
        raise ApiError(422, "invalid", f"{field}: this time is not within the calendar", field) from None
