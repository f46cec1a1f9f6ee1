"""*Contacts* of a list: each with its state, found by number, name or state; one added by hand; all of it as CSV."""

from typing import Annotated, Any
from urllib.parse import urlencode

import htpy as h
from fastapi import APIRouter, Form, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from services.dashboard.api import RefusedByApiError
from services.dashboard.components.badge import badge
from services.dashboard.components.empty_state import empty_state
from services.dashboard.components.field import choice, field
from services.dashboard.components.followed import replaced
from services.dashboard.components.list_tabs import list_head
from services.dashboard.components.notice import Tone, notice
from services.dashboard.components.number_link import is_number, number_link
from services.dashboard.components.pager import pager
from services.dashboard.components.table import table
from services.dashboard.download import download
from services.dashboard.runtime import DashboardRuntime
from services.dashboard.visit import PageVisit, Visit

routes = APIRouter()

_PER_PAGE = 100
_SHOWN = "contacts"
_STATES = (("", "All"), ("active", "Get messages"), ("opted_out", "Opted out"), ("held", "Held for review"))
_BADGES: dict[str, tuple[str, Tone]] = {
    "active": ("gets messages", "good"),
    "opted_out": ("opted out", "bad"),
    "held": ("held for review", "warn"),
}
_NAMES = ("first_name", "last_name")
_COLUMNS = ("Number", "Name", "State", "More")


class GivenContact(BaseModel):
    """A contact as it is filled in."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    phone: str = Field("", max_length=200)
    first_name: str = Field("", max_length=1_000)
    last_name: str = Field("", max_length=1_000)
    email: str = Field("", max_length=1_000)

    def fields(self) -> dict[str, str]:
        """Return what is filled in besides the phone."""
        given = {"first_name": self.first_name, "last_name": self.last_name, "email": self.email}
        return {name: value.strip() for name, value in given.items() if value.strip()}


class AskedContacts(BaseModel):
    """A question about a list's contacts, as the page's address has it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    q: str = ""
    status: str = ""
    after: str | None = None
    added: str = ""
    is_searching: bool = False

    def named(self) -> dict[str, str]:
        """Return what the API is asked for."""
        asked = {"q": self.q, "status": self.status, "after": self.after}
        return {name: value for name, value in asked.items() if value}


@routes.get("/lists/{list_id}")
async def contacts(visit: Visit, list_id: int, asked: Annotated[AskedContacts, Query()]) -> Response:
    """Show contacts; of a search the page at once, whose second request searches: a part of a name may take seconds."""
    found = await visit.api.get(f"/v1/lists/{list_id}")
    said = notice("good", number_link(asked.added), " is on this list now.") if is_number(asked.added) else None
    if asked.q and not asked.is_searching:
        searched = _searching(f"/lists/{list_id}?{urlencode({**asked.named(), 'is_searching': 'true'})}")
        return _page(visit, found, said, _search(list_id, asked), searched, _by_hand(visit, list_id))
    try:
        read = await visit.api.get(f"/v1/lists/{list_id}/contacts", {**asked.named(), "limit": _PER_PAGE})
    except RefusedByApiError as error:
        problem = h.article(id=_SHOWN)[notice("bad", error.message)]
        return _page(visit, found, _search(list_id, asked), problem, status=error.status)
    if read["next"] and not read["contacts"]:  # of many contacts, none of the first has this state
        further = _searching(f"/lists/{list_id}?{urlencode({**asked.named(), 'after': read['next']})}")
        return _page(visit, found, _search(list_id, asked), further, _by_hand(visit, list_id))
    pages = pager(
        f"/lists/{list_id}",
        read["next"],
        parameters={"q": asked.q, "status": asked.status},
        is_first=asked.after is None,
    )
    is_search = bool(asked.q or asked.status)
    shown = _contacts(read["contacts"]) if read["contacts"] else _nobody(visit, list_id, is_search=is_search)
    listed = h.article(id=_SHOWN)[shown, pages, _about_export()]
    return _page(visit, found, said, _search(list_id, asked), listed, _by_hand(visit, list_id))


@routes.post("/lists/{list_id}")
async def add(visit: Visit, list_id: int, given: Annotated[GivenContact, Form()]) -> Response:
    """Add a contact by hand; a number that the list has gets the new fields."""
    body = {"contacts": [{"phone": given.phone, "fields": given.fields()}]}
    try:
        await visit.api.post(f"/v1/lists/{list_id}/contacts", body)
    except RefusedByApiError as error:
        found = await visit.api.get(f"/v1/lists/{list_id}")
        problem = error.message.removeprefix("contacts.0.phone: ")
        return _page(visit, found, _by_hand(visit, list_id, given, problem), status=error.status)
    return visit.redirect(f"/lists/{list_id}?{urlencode({'added': await _settled(visit, given.phone)})}")


async def _settled(visit: PageVisit, phone: str) -> str:
    """Return the number as it is on the list; nothing for who may add contacts, and not look numbers up."""
    try:
        known = await visit.api.get("/v1/numbers", {"phone": phone})
    except RefusedByApiError:
        return ""
    return str(known["phone"])


@routes.get("/lists/{list_id}/export.csv")
async def export(visit: Visit, runtime: DashboardRuntime, list_id: int) -> Response:
    return await download(visit, runtime, f"/v1/lists/{list_id}/export")


def _page(visit: PageVisit, found: dict[str, Any], *content: h.Node, status: int = 200) -> Response:
    return visit.page(found["name"], list_head(found, "contacts", visit.user), *content, status=status)


def _about_export() -> h.Node:
    text = (
        "The export leaves out who has opted out. Its column “status” says who is held: nobody may message them either."
    )
    return h.p(".hint")[text]


def _searching(address: str) -> h.Node:
    asks = replaced(address, "load")
    result = h.a(href=address)["Show the result"]
    return h.article(id=_SHOWN, aria_busy="true", hx_select=f"#{_SHOWN}", **asks)["Searching the contacts. ", result]


def _search(list_id: int, asked: AskedContacts) -> h.Node:
    return h.search[
        h.form(".row-form", method="get", action=f"/lists/{list_id}")[
            field("Number, name or e-mail address", "q", kind="search", value=asked.q, maxlength="200"),
            choice("State", "status", _STATES, chosen=asked.status),
            h.button(".quiet", type="submit")["Search"],
        ]
    ]


def _contacts(found: list[dict[str, Any]]) -> h.Node:
    return table("Contacts", _COLUMNS, [_row(each) for each in found])


def _row(each: dict[str, Any]) -> list[h.Node]:
    fields = each["fields"]
    name = " ".join(str(fields[part]) for part in _NAMES if fields.get(part))
    more = [
        (field_name, value)
        for field_name, value in fields.items()
        if field_name not in _NAMES and value not in {None, ""}
    ]
    return [number_link(each["phone"]), name or "-", badge(*_BADGES[each["status"]]), _more(more)]


def _more(fields: list[tuple[str, Any]]) -> h.Node:
    if not fields:
        return "-"
    return h.dl(".fields")[((h.dt[name.replace("_", " ")], h.dd[str(value)]) for name, value in fields)]


def _nobody(visit: PageVisit, list_id: int, *, is_search: bool) -> h.Node:
    if is_search:
        every = h.a(href=f"/lists/{list_id}")["Show all contacts"]
        return empty_state("Nobody was found", "Search for a whole number, or for a part of a name.", every)
    if not visit.user.may("operate"):
        return empty_state("Nobody is on this list yet", "Whoever has the role “operate” can import contacts.")
    ways = h.a(role="button", href=f"/lists/{list_id}/import")["Import a CSV"]
    return empty_state("Nobody is on this list yet", "Import a file of contacts, or add one by hand below.", ways)


def _by_hand(visit: PageVisit, list_id: int, given: GivenContact | None = None, problem: str = "") -> h.Node:
    if not visit.user.may("operate"):
        return None
    values = given or GivenContact()
    form = h.form(method="post", action=f"/lists/{list_id}")[
        visit.csrf_field,
        h.div(".grid-fields")[
            field("Phone number", "phone", kind="tel", value=values.phone, problem=problem, required=True),
            field("First name", "first_name", value=values.first_name, maxlength="1000"),
            field("Last name", "last_name", value=values.last_name, maxlength="1000"),
            field("E-mail address", "email", value=values.email, maxlength="1000"),
        ],
        h.p(".hint")["Adding a contact never lifts an opt-out: who has opted out still gets nothing."],
        h.button(type="submit")["Add contact"],
    ]
    return h.article[h.details(open=bool(problem))[h.summary["Add a contact by hand"], form]]
