"""ClickSend's filters of pages: `q=field:value,field2:value` with an `operator`, and `order_by=field:desc`."""

from collections.abc import Callable, Mapping
from typing import Annotated, NamedTuple

from fastapi import Query

from services.optout.api.errors import ApiError

_MAX_Q_CHARACTERS = 2_000


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
        q: Annotated[str | None, Query(max_length=_MAX_Q_CHARACTERS)] = None,
        operator: Annotated[str, Query(max_length=10)] = "AND",
        order_by: Annotated[str | None, Query(max_length=100)] = None,
    ) -> Filter:
        where, values = _conditions(fields, q or "", _operator(operator))
        return Filter(where, values, _order(fields, order_by or fields.default_order))

    return asked


def _conditions(fields: FilterFields, text: str, operator: str) -> tuple[str, list[object]]:
    values: list[object] = []
    wanted = []
    for part in text.split(","):
        name, colon, value = part.partition(":")
        column = fields.columns.get(name.strip())
        if colon and column is None:
            raise ApiError(400, "invalid", f"q: {name.strip()!r} is not one of {', '.join(fields.columns)}", "q")
        if colon:
            values.append(value.strip().replace("\0", ""))
            wanted.append(f"({column})::text = ${len(values) + 1}")
    return (f" AND ({f' {operator} '.join(wanted)})" if wanted else ""), values


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
