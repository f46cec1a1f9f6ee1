"""*A number*: why it gets no messages, on which lists it is, and its whole story."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import htpy as h
from fastapi import APIRouter
from starlette.responses import Response

from services.dashboard.api import RefusedByApiError
from services.dashboard.components.badge import badge
from services.dashboard.components.empty_state import empty_state
from services.dashboard.components.field import field
from services.dashboard.components.moment import moment
from services.dashboard.components.notice import notice
from services.dashboard.components.number_link import number_path
from services.dashboard.components.story import story
from services.dashboard.components.table import table
from services.dashboard.components.why import why
from services.dashboard.components.wording import how, scope_words
from services.dashboard.download import download
from services.dashboard.runtime import DashboardRuntime
from services.dashboard.visit import PageVisit, Visit

routes = APIRouter()

_SHOWN = 300
"""Of the newest entries, and of the items of the story: a page is read by people."""
_STATES = {"opted_out": ("gets nothing", "bad"), "held": ("held for review", "warn"), "opted_in": ("opted in", "good")}


@routes.get("/numbers")
async def search(visit: Visit, q: str = "") -> Response:
    """Lead to a number, however it is written: also without its country code, as people of the country do."""
    if not q.strip():
        return visit.page("Find a number", h.h1["Find a number"], h.article(".form")[_search(q)])
    try:
        found = await visit.api.get("/v1/numbers", {"phone": q})
    except RefusedByApiError as error:
        problem = error.message.removeprefix("phone: ")
        return visit.page(
            "Find a number", h.h1["Find a number"], h.article(".form")[_search(q, problem)], status=error.status
        )
    return visit.redirect(number_path(found["phone"]))


@routes.get("/numbers/{phone}")
async def number(visit: Visit, phone: str) -> Response:
    asked = {"phone": phone}
    newest: dict[str, str | int | None] = {**asked, "order": "newest", "limit": _SHOWN}
    found, evidence = await asyncio.gather(visit.api.get("/v1/numbers", asked), visit.api.get("/v1/evidence", newest))
    names = {each["list_id"]: each["name"] for each in found["lists"]}
    names |= {each["list_id"]: each["list_name"] for each in found["states"] if each["list_name"]}
    return visit.page(
        found["written"],
        _head(visit, found),
        why(found, evidence["timeline"]),
        _states(visit, found),
        _lists(found),
        _story(evidence, names),
        _proof(visit, found, evidence),
    )


@routes.get("/numbers/{phone}/proof-pack")
async def proof_pack(visit: Visit, runtime: DashboardRuntime, phone: str) -> Response:
    return await download(visit, runtime, "/v1/evidence/proof-pack", {"phone": phone})


def _search(q: str, problem: str = "") -> h.Node:
    hint = "As you would write it: with its country code, or without if it is of your account's country."
    return h.form(method="get", action="/numbers")[
        field("Phone number", "q", kind="search", value=q, hint=hint, problem=problem, required=True, maxlength="200"),
        h.button(type="submit")["Find"],
    ]


def _head(visit: PageVisit, found: Mapping[str, Any]) -> h.Node:
    country = f" · {found['country']}" if found["country"] else ""
    by_hand = h.a(".quiet", role="button", href=f"/opt-outs/new?{urlencode({'phone': found['phone']})}")
    return h.div(".title-row")[
        h.div[h.h1(".figure-title")[found["written"]], h.p(".hint")[found["phone"], country]],
        by_hand["Enter an opt-out"] if visit.user.may("operate") else None,
    ]


def _lists(found: Mapping[str, Any]) -> h.Node:
    rows: list[list[h.Node]] = [
        [
            h.a(href=f"/lists/{each['list_id']}")[each["name"]],
            moment(each["added_at"]),
            ["taken off ", moment(each["removed_at"])] if each["removed_at"] else "on the list",
        ]
        for each in found["lists"]
    ]
    shown = table("Lists", ("List", "Added", "Now"), rows) if rows else empty_state("On no list", "Add it to one.")
    return h.article[h.h2["Lists"], shown]


def _states(visit: PageVisit, found: Mapping[str, Any]) -> h.Node:
    rows = [
        [
            scope_words(each["scope"], each["list_name"]),
            badge(*_STATES[each["state"]]),  # type: ignore[arg-type]
            how(each["source"]),
            moment(each["changed_at"]),
            _way_back(found, each) if visit.user.may("operate") else "",
        ]
        for each in found["states"]
    ]
    columns = ("Scope", "State", "How", "Since", "Action")
    empty = empty_state("No opt-out", "This number has never opted out of anything of yours.")
    return h.article[h.h2["Opt-outs and opt-ins"], table("States", columns, rows) if rows else empty]


def _way_back(found: Mapping[str, Any], state: Mapping[str, Any]) -> h.Node:
    if state["state"] != "opted_out" or state["source"] == "carrier":
        return ""
    asked = {"phone": found["phone"], "scope": state["scope"], "lifts": state["cause_event_id"]}
    return h.a(href=f"/opt-outs/opt-in?{urlencode(asked)}")["Opt back in"]


def _story(evidence: Mapping[str, Any], names: Mapping[int, str]) -> h.Node:
    items: Sequence[Mapping[str, Any]] = evidence["timeline"]
    if not items:
        return h.article[h.h2["What happened"], empty_state("Nothing yet", "Messages and replies appear here.")]
    more = notice("info", f"Only the newest {_SHOWN:,} are shown here; the proof pack has more.")
    is_more = evidence["next"] or len(items) > _SHOWN
    return h.article[h.h2["What happened, newest first"], more if is_more else None, story(items[-_SHOWN:], names)]


def _proof(visit: PageVisit, found: Mapping[str, Any], evidence: Mapping[str, Any]) -> h.Node:
    path = number_path(found["phone"])
    text = (
        "Every decision is an entry of a hash chain, so that it shows if one was changed or removed afterwards. The"
        " proof pack has the story to print, the data, and the chain, which anybody can verify without Stopline."
    )
    return h.article[
        h.h2["Proof"],
        h.p[text],
        h.div("#verification", aria_live="polite"),
        h.div(".ways")[
            h.a(
                ".button.quiet",
                role="button",
                href=f"{path}/verify",
                hx_get=f"{path}/verify",
                hx_target="#verification",
                hx_swap="innerHTML",
            )["Verify"],
            h.a(".quiet", role="button", href=f"{path}/proof-pack", download=True)["Download the proof pack"],
            h.a(".danger-link", href=f"{path}/erase")["Erase this person"] if visit.user.is_account else None,
        ],
        h.p(".hint")[_entries_words(evidence)],
    ]


def _entries_words(evidence: Mapping[str, Any]) -> str:
    number = len(evidence["entries"])
    if evidence["next"]:
        return f"More than {number:,} entries are about this number."
    return "1 entry of the chain is about this number." if number == 1 else f"{number:,} entries are about this number."
