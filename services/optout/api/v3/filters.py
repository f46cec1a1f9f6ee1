"""ClickSend's filters of pages: `q=field:value,field2:value` with an `operator`, and `order_by=field:desc`."""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple, TypeAlias

from fastapi import Depends, Query

from services.optout.api.errors import ApiError
from services.optout.api.v3.paging import AskedPage
from shared.postgres import Connection

_MAX_Q_CHARACTERS = 2_000
LAST_SECOND = 253_402_300_799
"""Of the year 9999, in unix time."""

Q: TypeAlias = Annotated[str | None, Query(max_length=_MAX_Q_CHARACTERS)]
"""A filter as it is written, as a parameter of a route."""
_Seconds = Annotated[int | None, Query(ge=0, le=LAST_SECOND)]


class Filter(NamedTuple):
    """The rows that are asked for: conditions in SQL, ours, with their values from $2 on; and their order."""

    where: str
    values: list[object]
    order: str


class FilterFields(NamedTuple):
    """The fields that can be asked for, with their columns; `order` of those that are ordered by something else."""

    columns: Mapping[str, str]
    default_order: str
    order: Mapping[str, str]


def filter_by(fields: FilterFields) -> Callable[..., Filter]:
    """Return what reads a filter of these fields from a request, for `Depends`."""

    def asked(
        q: Q = None,
        operator: Annotated[str, Query(max_length=10)] = "AND",
        order_by: Annotated[str | None, Query(max_length=100)] = None,
    ) -> Filter:
        where, values = _conditions(fields, q or "", _operator(operator))
        return Filter(where, values, _order(fields, order_by or fields.default_order))

    return asked


def filter_by_time(fields: FilterFields, column: str) -> Callable[..., Filter]:
    """Return the same with `date_from` and `date_to`, in unix time, about the time in `column`."""

    def asked(
        only: Annotated[Filter, Depends(filter_by(fields))], date_from: _Seconds = None, date_to: _Seconds = None
    ) -> Filter:
        where, values = only.where, list(only.values)
        for moment, sign in ((date_from, ">="), (date_to, "<=")):
            if moment is not None:
                values.append(datetime.fromtimestamp(moment, UTC))
                where += f" AND {column} {sign} ${len(values) + 1}"
        return Filter(where, values, only.order)

    return asked


async def fetch_filtered(  # noqa: PLR0913 (what a page is made of)
    database: Connection, columns: str, source: str, account_id: str, *, only: Filter, asked: AskedPage, tie: str
) -> tuple[list[Any], int]:
    """Return the rows of a page, and how many there are on all pages.

    Args:
        database: a connection.
        columns: of the rows; SQL of ours, like `source`, which begins with FROM and ends in a condition, and `tie`.
        source: where they are; the account is $1 there.
        account_id: whose they are.
        only: the filter that was asked for.
        asked: the page that was asked for.
        tie: the column by which rows are ordered that are equal by the filter's order.
    """
    source = f"{source}{only.where}"
    page = f"ORDER BY {only.order}, {tie} OFFSET {asked.offset} LIMIT {asked.limit}"
    rows = await database.fetch(f"SELECT {columns} {source} {page}", account_id, *only.values)
    return rows, await database.fetchval(f"SELECT count(*) {source}", account_id, *only.values)


def as_shown(column: str, names: Mapping[Any, str]) -> str:
    """Return SQL for a column whose values the API shows under other names, which are ours."""
    cases = " ".join(f"WHEN '{value}' THEN '{name}'" for value, name in names.items())
    return f"CASE {column} {cases} END"


def pairs_of(text: str, names: Collection[str]) -> list[tuple[str, str]]:
    """Return the fields of a `q` with the values that they must have; what has no colon is left out, as by ClickSend.

    Raises:
        ApiError: 400, a field is not one of `names`.
    """
    found = [(name.strip(), value.strip()) for name, colon, value in map(_parted, text.split(",")) if colon]
    for name, _ in found:
        if name not in names:
            raise ApiError(400, "invalid", f"q: {name!r} is not one of {', '.join(names)}", "q")
    return found


def _parted(text: str) -> tuple[str, str, str]:
    return text.partition(":")


def _conditions(fields: FilterFields, text: str, operator: str) -> tuple[str, list[object]]:
    pairs = pairs_of(text, fields.columns)
    wanted = [f"({fields.columns[name]})::text = ${place}" for place, (name, _) in enumerate(pairs, 2)]
    where = f" AND ({f' {operator} '.join(wanted)})" if wanted else ""
    return where, [value.replace("\0", "") for _, value in pairs]


def _operator(text: str) -> str:
    if text.upper() not in ("AND", "OR"):
        raise ApiError(400, "invalid", "operator: write AND or OR", "operator")
    return text.upper()


def _order(fields: FilterFields, text: str) -> str:
    name, _, direction = text.partition(":")
    if name not in fields.columns or direction.lower() not in ("", "asc", "desc"):
        names = ", ".join(fields.columns)
        message = f"order_by: write a field and asc or desc, such as {fields.default_order}; fields: {names}"
        raise ApiError(400, "invalid", message, "order_by")
    return f"{fields.order.get(name, fields.columns[name])} {direction.upper() or 'ASC'}"
