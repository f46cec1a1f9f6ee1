"""The *Opt-out list*: who gets nothing, from which list, since when, and how that came about; it follows live."""

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

import htpy as h
from fastapi import APIRouter, Query
from starlette.responses import Response

from services.dashboard.api import RefusedByApiError
from services.dashboard.components.badge import badge
from services.dashboard.components.empty_state import empty_state
from services.dashboard.components.field import choice, field
from services.dashboard.components.followed import followed
from services.dashboard.components.moment import moment
from services.dashboard.components.notice import Tone, notice
from services.dashboard.components.number_link import is_number, number_link
from services.dashboard.components.pager import pager
from services.dashboard.components.table import table
from services.dashboard.components.wording import how, quoted, scope_words
from services.dashboard.download import download
from services.dashboard.opt_out_search import OptOutSearch
from services.dashboard.runtime import DashboardRuntime
from services.dashboard.visit import PageVisit, Visit

routes = APIRouter()

_PER_PAGE = 50
_HOW = ("reply", "link", "api", "import", "by_hand", "phone_call", "mail", "carrier")
_COLUMNS = ("Number", "Gets nothing from", "Since", "How", "What was said")
_NOBODY = "Whoever replies STOP, or uses the link in a message, appears here within a second."
_SAID = {
    "opted_out": "gets no more messages.",
    "already_opted_out": "had opted out already; the statement is kept.",
    "older_than_opt_in": "has opted in again after the date that you gave: nothing was changed.",
    "repeated": "was entered before; nothing was changed.",
    "opted_in": "gets messages again.",
    "not_opted_out": "had not opted out, or has opted out again since you looked: nothing was changed.",
    "older_than_opt_out": "has opted out after the consent that you gave: nothing was changed.",
    "blocked_by_carrier": "is blocked by the carrier itself: only a START from that phone ends it.",
    "pending": "is on its way into the record: no message passes it from now on.",
}
_CHANGED = ("opted_out", "opted_in", "already_opted_out", "pending")

AskedOptOutSearch = Annotated[OptOutSearch, Query()]


@routes.get("/opt-outs")
async def opt_outs(visit: Visit, asked: AskedOptOutSearch) -> Response:
    if visit.is_partial:
        return _newer(visit, asked, await _found(visit, asked))
    read, lists = await asyncio.gather(_found_or_refused(visit, asked), visit.api.get("/v1/lists", {"limit": 1_000}))
    if isinstance(read, RefusedByApiError):
        content = _head(visit, asked), notice("bad", read.message), _search(asked, lists)
        return visit.page("Opt-out list", *content, status=read.status)
    shown = _shown(visit, asked, read)
    return visit.page("Opt-out list", _head(visit, asked), _said(asked), _search(asked, lists), shown)


async def _found(visit: PageVisit, asked: OptOutSearch) -> dict[str, Any]:
    return await visit.api.get("/v1/opt-outs", {**asked.filters(), **_paging(asked)})


async def _found_or_refused(visit: PageVisit, asked: OptOutSearch) -> dict[str, Any] | RefusedByApiError:
    try:
        return await _found(visit, asked)
    except RefusedByApiError as error:
        return error


def _newer(visit: PageVisit, asked: OptOutSearch, read: Mapping[str, Any]) -> Response:
    return visit.part(_shown(visit, asked, read)) if _mark(read) != asked.seen else Response(status_code=204)


@routes.get("/opt-outs/export.csv")
async def export(visit: Visit, runtime: DashboardRuntime, asked: AskedOptOutSearch) -> Response:
    return await download(visit, runtime, "/v1/opt-outs/export", asked.filters())


def _paging(asked: OptOutSearch) -> dict[str, str | int | None]:
    return {"order": "newest", "limit": _PER_PAGE, "after": asked.after or None}


def _head(visit: PageVisit, asked: OptOutSearch) -> h.Node:
    by_hand = h.a(role="button", href="/opt-outs/new")["Enter an opt-out"]
    return h.div(".title-row")[
        h.h1["Opt-out list"],
        h.div(".ways")[
            h.a(href=f"/opt-outs/export.csv?{urlencode(asked.kept())}", download=True)["Export as CSV"],
            by_hand if visit.user.may("operate") else None,
        ],
    ]


def _said(asked: OptOutSearch) -> h.Node:
    """Say what became of what was just entered; only our own words, and a number, are shown."""
    if asked.said not in _SAID or not is_number(asked.about):
        return None
    tone: Tone = "good" if asked.said in _CHANGED else "warn"
    return notice(tone, number_link(asked.about), " ", _SAID[asked.said])


def _search(asked: OptOutSearch, lists: Mapping[str, Any]) -> h.Node:
    ways = [(each, how(each).capitalize() if each != "api" else "API") for each in _HOW]
    is_more = bool(asked.sender_number or asked.since or asked.until)
    return h.search[
        h.form(method="get", action="/opt-outs")[
            h.div(".row-form")[
                field("Phone number", "phone", kind="search", value=asked.phone, maxlength="200"),
                _list_choice(asked, lists),
                choice("How", "source", [("", "Any"), *ways], chosen=asked.source),
                h.button(".quiet", type="submit")["Filter"],
            ],
            h.details(".more", open=is_more)[
                h.summary["Sender number and dates"],
                h.div(".row-form")[
                    field("Sender number", "sender_number", value=asked.sender_number, maxlength="50"),
                    field("From", "since", kind="date", value=asked.since),
                    field("To", "until", kind="date", value=asked.until),
                ],
            ],
        ]
    ]


def _list_choice(asked: OptOutSearch, lists: Mapping[str, Any]) -> h.Node:
    """Return the lists to choose from; of more than one answer has, a field for the number of one."""
    if lists["next"]:
        return field("Number of the list", "list_id", value=asked.list_id, inputmode="numeric", maxlength="20")
    own = [(str(each["list_id"]), each["name"]) for each in lists["lists"] if each["kind"] != "opt_outs"]
    return choice("List", "list_id", [("", "Any"), *own], chosen=asked.list_id)


def _shown(visit: PageVisit, asked: OptOutSearch, read: Mapping[str, Any]) -> h.Node:
    """Return the opt-outs; the newest of all ask for themselves again, and are replaced when something came.

    A filter is not followed: one that finds little has all opt-outs read.
    """
    found = read["opt_outs"]
    following: dict[str, str] = {}
    if not asked.after and not asked.kept():
        following = followed(f"/opt-outs?seen={_mark(read)}", "1s")
    shown = table("Opt-outs", (*_COLUMNS, "Action"), [_row(visit, each) for each in found]) if found else _nobody(asked)
    pages = pager("/opt-outs", read["next"], parameters=asked.kept(), is_first=not asked.after)
    return h.article(id="opt-outs", aria_live="off", **following)[shown, pages]


def _mark(read: Mapping[str, Any]) -> str:
    """Return what distinguishes these opt-outs: a page that is the same is not put in its place again."""
    seen = [(each["phone"], each["scope"], each["opted_out_at"]) for each in read["opt_outs"]]
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


def _nobody(asked: OptOutSearch) -> h.Node:
    if asked.kept():
        return empty_state("Nobody was found", "No opt-out is like this.", h.a(href="/opt-outs")["Show all opt-outs"])
    return empty_state("Nobody has opted out", _NOBODY)


def _row(visit: PageVisit, each: Mapping[str, Any]) -> list[h.Node]:
    is_held = each["state"] == "held"
    return [
        number_link(each["phone"]),
        scope_words(each["scope"], each["list_name"]),
        moment(each["opted_out_at"]),
        h.a(href="/review")[badge("held for review", "warn")] if is_held else badge(how(each["source"])),
        _cause(each["cause"]),
        _way_back(each) if visit.user.may("operate") and not is_held else "",
    ]


def _cause(cause: Mapping[str, Any]) -> h.Node:
    """Return the message itself, and what was known about it."""
    number, by, rule = cause.get("sender_number"), cause.get("by"), cause.get("rule")
    about = [
        ["to ", h.a(href=f"/opt-outs?{urlencode({'sender_number': number})}")[number]] if number else None,
        f"rule {rule}" if rule and rule not in {"request", "review"} else None,
        f"entered by {by}" if by else None,
    ]
    known = [each for each in about if each]
    spaced = [[part, " · "] for part in known[:-1]] + known[-1:]
    return h.div(".cause")[quoted(cause.get("body")), h.small(".hint.below")[spaced] if known else None]


def _way_back(each: Mapping[str, Any]) -> h.Node:
    if each["source"] == "carrier":
        return h.small(".hint")["ends by their START"]
    asked = {"phone": each["phone"], "scope": each["scope"], "lifts": each["cause"]["event_id"]}
    label = f"Opt {each['phone']} back in"
    return h.a(href=f"/opt-outs/opt-in?{urlencode(asked)}", aria_label=label)["Opt back in"]
