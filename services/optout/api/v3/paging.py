"""Pages as ClickSend numbers them, from 1, with absolute addresses of their neighbours."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import Field
from starlette.datastructures import URL
from starlette.requests import Request

from services.optout.api.runtime import Runtime
from services.optout.api.v3.models import Answer
from shared.http import runtime_of

MIN_PER_PAGE, MAX_PER_PAGE = 15, 100
_NEIGHBOURS = 3
"""Pages before and after the present one that `links` names."""

RowT = TypeVar("RowT")


class Page(Answer, Generic[RowT]):
    """A page; `from` and `to` count its rows among all, from 1."""

    total: int
    per_page: int
    current_page: int
    last_page: int
    next_page_url: str | None
    prev_page_url: str | None
    first_row: int | None = Field(alias="from")
    last_row: int | None = Field(alias="to")
    data: list[RowT]


class Link(Answer):
    """A link to a page, as Laravel shows them below a table."""

    url: str | None
    label: str
    page: int | None
    active: bool


class LinkedPage(Page[RowT], Generic[RowT]):
    """A page of the calls that also answer with Laravel's links."""

    first_page_url: str
    last_page_url: str
    path: str
    links: list[Link]


@dataclass(frozen=True, slots=True)
class Paging:
    """The page that a caller asks for."""

    url: URL
    page: int
    limit: int

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.limit

    def of(self, rows: Sequence[RowT], total: int) -> Page[RowT]:
        """Return the page with `rows`, which are those from `offset` on, `limit` at most."""
        return Page[RowT](**self._fields(rows, total))

    def linked(self, rows: Sequence[RowT], total: int) -> LinkedPage[RowT]:
        """Return the same with Laravel's links."""
        last = self._last(total)
        return LinkedPage[RowT](
            **self._fields(rows, total),
            first_page_url=self._url(1),
            last_page_url=self._url(last),
            path=str(self.url.replace(query="")),
            links=self._links(last),
        )

    def _fields(self, rows: Sequence[RowT], total: int) -> dict[str, Any]:
        last = self._last(total)
        return {
            "total": total,
            "per_page": self.limit,
            "current_page": self.page,
            "last_page": last,
            "next_page_url": self._url(self.page + 1) if self.page < last else None,
            "prev_page_url": self._url(min(self.page - 1, last)) if self.page > 1 else None,
            "first_row": self.offset + 1 if rows else None,
            "last_row": self.offset + len(rows) if rows else None,
            "data": list(rows),
        }

    def _last(self, total: int) -> int:
        return max(1, -(-total // self.limit))

    def _links(self, last: int) -> list[Link]:
        first = max(1, self.page - _NEIGHBOURS)
        before, after = self.page - 1, self.page + 1
        return [
            self._link("&laquo; Previous", before if 1 <= before <= last else None),
            *(self._link(str(page), page) for page in range(first, min(last, self.page + _NEIGHBOURS) + 1)),
            self._link("Next &raquo;", after if after <= last else None),
        ]

    def _link(self, label: str, page: int | None) -> Link:
        url = None if page is None else self._url(page)
        return Link(url=url, label=label, page=page, active=label == str(self.page))

    def _url(self, page: int) -> str:
        return str(self.url.include_query_params(page=page))


def _paging(
    request: Request,
    page: Annotated[int, Query(ge=1, le=10**9)] = 1,
    limit: Annotated[int, Query(description="Below 15 it is 15, above 100 it is 100.")] = MIN_PER_PAGE,
) -> Paging:
    return Paging(public_url(request), page, min(max(limit, MIN_PER_PAGE), MAX_PER_PAGE))


def public_base(request: Request) -> str:
    """Return the address of the API as callers know it: the setting, where there is one, else the request's Host."""
    runtime: Runtime = runtime_of(request)
    return (runtime.settings.public_api_url or str(request.base_url)).rstrip("/")


def public_url(request: Request) -> URL:
    """Return the address that the caller called."""
    query = f"?{request.url.query}" if request.url.query else ""
    return URL(f"{public_base(request)}{request.scope['path']}{query}")


AskedPage = Annotated[Paging, Depends(_paging)]
"""The page that the caller asks for, as a parameter of a route."""
