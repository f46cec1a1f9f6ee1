"""*Lists*: all lists with the number of their contacts, and a new one."""

from typing import Annotated, Any

import htpy as h
from fastapi import APIRouter, Form
from starlette.responses import Response

from services.dashboard.api import RefusedByApiError
from services.dashboard.components.empty_state import empty_state
from services.dashboard.components.field import field
from services.dashboard.components.followed import replaced
from services.dashboard.components.moment import moment
from services.dashboard.components.notice import notice
from services.dashboard.components.pager import pager
from services.dashboard.components.table import table
from services.dashboard.visit import PageVisit, Visit

routes = APIRouter()

_ABOUT = {"opt_outs": "everybody who has opted out", "default": "messages that are sent without a list"}
_COLUMNS = ("List", "Contacts", "Get messages", "Opted out", "Held", "Created")
_OF_FIGURES = (1, 2, 3, 4)
_TOO_MANY = "There are too many contacts to count them for this page."
_NO_LIST = (
    "A list is a named set of contacts. Whoever answers one of its messages with STOP leaves that list. "
    "Name one above, then import its contacts."
)


@routes.get("/lists")
async def overview(visit: Visit, after: str | None = None, counts: bool = False) -> Response:  # noqa: FBT001, FBT002
    """Show the lists at once; a second request brings the counts, which take a second per million contacts.

    Where there are too many contacts to count, the lists are shown without.
    """
    try:
        read = await visit.api.get("/v1/lists", {"after": after, "counts": "true" if counts else None})
    except RefusedByApiError as error:
        if error.field != "counts":
            raise
        read = await visit.api.get("/v1/lists", {"after": after})
    return visit.page("Lists", h.h1["Lists"], _new_list(visit), _lists(read, after, is_counted=counts))


@routes.post("/lists")
async def create(visit: Visit, name: Annotated[str, Form()] = "") -> Response:
    try:
        made = await visit.api.post("/v1/lists", {"name": name})
    except RefusedByApiError as error:
        read = await visit.api.get("/v1/lists")
        problem = notice("bad", h.strong["The list was not added."], h.p[error.message])
        content = h.h1["Lists"], problem, _new_list(visit, name), _lists(read, None, is_counted=False)
        return visit.page("Lists", *content, status=422)
    return visit.redirect(f"/lists/{made['list_id']}")


def _new_list(visit: PageVisit, name: str = "") -> h.Node:
    if not visit.user.may("operate"):
        return None
    return h.form(".row-form", method="post", action="/lists")[
        visit.csrf_field,
        field("Name of a new list", "name", value=name, required=True, maxlength="200"),
        h.button(type="submit")["Add list"],
    ]


def _lists(read: dict[str, Any], after: str | None, *, is_counted: bool) -> h.Node:
    lists = read["lists"]
    address = f"/lists?counts=true{f'&after={after}' if after else ''}"
    counting = {} if is_counted else replaced(address, "load")
    has_own = after is not None or any(each["kind"] == "contacts" for each in lists)
    return h.article(id="lists", hx_select="#lists", **counting)[
        table("Lists", _COLUMNS, [_row(each) for each in lists], figures=_OF_FIGURES),
        h.p(".hint")[_TOO_MANY] if is_counted and any("counts" not in each for each in lists) else None,
        None if has_own else empty_state("No list of your own yet", _NO_LIST),
        pager("/lists", read["next"], is_first=after is None),
    ]


def _row(each: dict[str, Any]) -> list[h.Node]:
    path = "/opt-outs" if each["kind"] == "opt_outs" else f"/lists/{each['list_id']}"
    about = _ABOUT.get(each["kind"])
    shown = h.span[h.a(href=path)[each["name"]], h.small(".hint.below")[about] if about else None]
    return [shown, *_figures(each), moment(each["created_at"])]


def _figures(each: dict[str, Any]) -> list[str]:
    counts = each.get("counts")
    if counts is None:
        return ["…"] * len(_OF_FIGURES)
    active = counts["contacts"] - counts["opted_out"] - counts["held"]
    if each["kind"] == "opt_outs":
        return ["-", "-", f"{counts['opted_out']:,}", f"{counts['held']:,}"]
    return [f"{number:,}" for number in (counts["contacts"], active, counts["opted_out"], counts["held"])]
