"""Parked records, for operators: what could not be processed, why, its bytes, and what to do about it."""

import base64
from collections.abc import Mapping
from typing import Any

import htpy as h
from fastapi import APIRouter
from starlette.responses import Response

from services.dashboard.api import RefusedByApiError, SessionApi, SignedOutError
from services.dashboard.components.badge import badge
from services.dashboard.components.confirm import confirm
from services.dashboard.components.empty_state import empty_state
from services.dashboard.components.field import field
from services.dashboard.components.moment import moment
from services.dashboard.components.notice import notice
from services.dashboard.components.pager import pager
from services.dashboard.components.table import table
from services.dashboard.given import filled_form
from services.dashboard.pages.raw_bytes import as_hex, as_text
from services.dashboard.runtime import DashboardRuntime, Runtime
from services.dashboard.session import OPERATOR_SECONDS, SessionCookie, operator_cookie
from services.dashboard.visit import PageVisit, Visit, client_address

routes = APIRouter()

_PAGE = 50
_SHOWN_BYTES = 16 * 1024
_DONE = {
    "replayed": "The record is published again. If it still cannot be processed, it is parked as another record.",
    "dropped": "The record is dropped: it is not listed any more.",
}


@routes.get("/parked")
async def parked_list(
    visit: Visit, runtime: DashboardRuntime, after: str | None = None, settled: str = "", done: str = ""
) -> Response:
    """Show the records, newest first."""
    api = _operator(visit, runtime)
    if api is None:
        return _sign_in(visit)
    try:
        page = await api.get("/v1/parked", {"limit": _PAGE, "after": after, "settled": "true" if settled else None})
    except SignedOutError:
        return _sign_in(visit, "Your hour as an operator is over; sign in again.")
    return visit.page(
        "Parked records",
        h.div(".title-row")[h.h1["Parked records"], _links(visit, is_all=bool(settled))],
        notice("good", _DONE[done]) if done in _DONE else None,
        _table(page["parked"]) if page["parked"] else _nothing(page["next"]),
        pager("/parked", page["next"], parameters={"settled": settled}, is_first=after is None),
    )


@routes.post("/parked/operator")
async def sign_in_as_operator(visit: Visit, runtime: DashboardRuntime) -> Response:
    """Exchange the operator's token for one of an hour, which the browser keeps."""
    token = (await filled_form(visit)).text("token")
    try:
        session = await SessionApi(runtime.api, token, client_address(visit.request)).post("/v1/operator-session")
    except (SignedOutError, RefusedByApiError) as error:
        problem = str(error) or "This is not the operator's token."
        return _sign_in(visit, problem, status=401)
    response = visit.redirect("/parked")
    _cookie(runtime).write(visit.request, response, session["token"], OPERATOR_SECONDS)
    return response


@routes.post("/parked/operator/end")
async def sign_out_as_operator(visit: Visit, runtime: DashboardRuntime) -> Response:
    response = visit.redirect("/parked")
    _cookie(runtime).remove(visit.request, response)
    return response


@routes.get("/parked/{position}")
async def show_parked(visit: Visit, runtime: DashboardRuntime, position: int) -> Response:
    api = _operator(visit, runtime)
    if api is None:
        return _sign_in(visit)
    try:
        return _record_page(visit, await api.get(f"/v1/parked/{position}"))
    except SignedOutError:
        return _sign_in(visit, "Your hour as an operator is over; sign in again.")


@routes.post("/parked/{position}/replay")
async def replay_parked(visit: Visit, runtime: DashboardRuntime, position: int) -> Response:
    return await _settle(visit, runtime, f"/v1/parked/{position}/replay", {"by": visit.user.name}, "replayed")


@routes.post("/parked/{position}/drop")
async def drop_parked(visit: Visit, runtime: DashboardRuntime, position: int) -> Response:
    reason = (await filled_form(visit)).text("reason")
    body = {"by": visit.user.name, "reason": reason}
    return await _settle(visit, runtime, f"/v1/parked/{position}/drop", body, "dropped")


async def _settle(visit: PageVisit, runtime: Runtime, path: str, body: Mapping[str, str], done: str) -> Response:
    api = _operator(visit, runtime)
    if api is None:
        return visit.redirect("/parked")
    try:
        await api.post(path, body)
    except SignedOutError:
        return visit.redirect("/parked")
    return visit.redirect(f"/parked?done={done}")


def _cookie(runtime: Runtime) -> SessionCookie:
    return operator_cookie(runtime.settings.is_https)


def _operator(visit: PageVisit, runtime: Runtime) -> SessionApi | None:
    """Return the API with the operator's session; None: there is none."""
    token = _cookie(runtime).read(visit.request)
    return None if token is None else SessionApi(runtime.api, token, client_address(visit.request))


def _sign_in(visit: PageVisit, problem: str = "", status: int = 200) -> Response:
    return visit.page(
        "Parked records",
        h.article(".narrow")[
            h.h1["For operators"],
            h.p[
                "A record that could not be processed does not say whose it is, so that only operators of Stopline may"
                " see it. Sign in with the operator's token; it is valid for an hour."
            ],
            h.form(method="post", action="/parked/operator")[
                visit.csrf_field,
                field("Operator's token", "token", kind="password", required=True, problem=problem),
                h.button(type="submit")["Show parked records"],
            ],
            h.p(".hint")["Without a browser: ", h.code["stopline parked list"]],
        ],
        status=status,
    )


def _links(visit: PageVisit, *, is_all: bool) -> h.Node:
    end = h.form(".inline", method="post", action="/parked/operator/end")[
        visit.csrf_field, h.button(".quiet.small", type="submit")["End your hour as an operator"]
    ]
    other = h.a(href="/parked")["Only open ones"] if is_all else h.a(href="/parked?settled=1")["Also settled ones"]
    return h.div(".links")[other, end]


def _nothing(following: str | None) -> h.Node:
    if following is not None:
        return empty_state("Nothing open among the newest records", "Older ones are on the next page.")
    return empty_state("Nothing is parked", "Whatever was received could be processed.")


def _table(records: list[Mapping[str, Any]]) -> h.Node:
    rows = [
        (
            h.a(href=f"/parked/{each['position']}")[f"#{each['position']}"],
            [_safe(each["reason"]) or "-", h.br, h.small(".hint.cut")[_safe(each["detail"])]],
            _source(each),
            _time(each["parked_at"]),
            f"{each['value_bytes']:,}",
            h.code(".cut")[as_text(each["text"].encode())],
            _state(each),
        )
        for each in records
    ]
    columns = ("Record", "Why", "From", "Parked", "Bytes", "Begins", "State")
    return h.section(".card")[table("Parked records", columns, rows, figures=(4,))]


def _source(record: Mapping[str, Any]) -> str:
    if record["gateway"]:
        return _safe(f"webhook of {record['gateway']}, account {record['account_id']}")
    return _safe(record["original_topic"]) or "-"


def _safe(text: str | None) -> str:
    """Return a text of the record without what is invisible, or turns the direction of what is read."""
    return as_text((text or "").encode(errors="replace"))


def _time(text: str | None) -> h.Node:
    try:
        return moment(text)
    except (ValueError, OverflowError):  # anybody may have written it, and any year
        return _safe(text)


def _state(record: Mapping[str, Any]) -> h.Node:
    if record["settled"] is not None:
        return badge(record["settled"]["outcome"], "good")
    return badge("open", "warn")


def _record_page(visit: PageVisit, record: Mapping[str, Any]) -> Response:
    whole = base64.b64decode(record["value_base64"] or "")
    value = whole[:_SHOWN_BYTES]
    title = f"Parked record #{record['position']}"
    return visit.page(
        title,
        h.div(".title-row")[h.h1[title], h.div(".links")[h.a(href="/parked")["All parked records"]]],
        h.section(".card", aria_labelledby="why")[h.h2("#why")[_safe(record["reason"]) or "No reason"], _facts(record)],
        h.section(".card", aria_labelledby="text")[
            h.h2("#text")["As text"],
            h.pre(".raw", tabindex="0")[as_text(value) or "(nothing)"],
            h.p(".hint")["Control characters are written as escapes; bytes that are not UTF-8 as \\x and two digits."],
        ],
        h.section(".card", aria_labelledby="bytes")[
            h.h2("#bytes")["As bytes"],
            h.pre(".raw", tabindex="0")[as_hex(value) or "(nothing)"],
            _all_of_it(record["parked_id"]) if record["value_is_cut"] or len(value) < len(whole) else None,
        ],
        _actions(visit, record),
    )


def _all_of_it(parked_id: str) -> h.Node:
    command = f"stopline parked show {as_text(parked_id.encode())}"
    return h.p(".hint")[f"The first {_SHOWN_BYTES // 1024} kB; all of it: ", h.code[command]]


def _facts(record: Mapping[str, Any]) -> h.Node:
    key = record["key_base64"]
    return h.dl(".facts")[
        h.dt["Why"], h.dd[_safe(record["detail"]) or "-"],
        h.dt["From"], h.dd[_source(record)],
        h.dt["Partition, offset"], h.dd[
            _safe(f"{record['original_partition'] or '-'}, {record['original_offset'] or '-'}")
        ],
        h.dt["Parked"], h.dd[_time(record["parked_at"]), f" by {_safe(record['parked_by']) or 'nobody known'}"],
        h.dt["Key"], h.dd[h.code["none" if key is None else as_text(base64.b64decode(key))]],
        h.dt["Headers"], h.dd[h.code[_headers(record["headers"]) or "none"]],
        h.dt["Size"], h.dd[f"{record['value_bytes']:,} bytes"],
        [h.dt["Stands for"], h.dd[_safe(f"{record['records']} records")]] if record["records"] != "1" else None,
        h.dt["Id"], h.dd[h.code[_safe(record["parked_id"])]],
    ]  # fmt: skip


def _headers(headers: list[Mapping[str, Any]]) -> str:
    named = [(as_text(each["name"].encode()), as_text(base64.b64decode(each["value_base64"]))) for each in headers]
    return ", ".join(f"{name}={text}" for name, text in named)


def _actions(visit: PageVisit, record: Mapping[str, Any]) -> h.Node:
    settled = record["settled"]
    if settled is not None:
        reason = f": {settled['reason']}" if settled["reason"] else ""
        return notice("info", f"It was {settled['outcome']} by {settled['by']}", " on ", moment(settled["at"]), reason)
    why_not = record["why_not_replayed"]
    return h.section(".card", aria_labelledby="actions")[
        h.h2("#actions")["What to do"],
        h.p[f"It cannot be replayed: {why_not}."] if why_not else None,
        h.div(".actions")[None if why_not else _replay(visit, record), _drop(visit, record)],
    ]


def _replay(visit: PageVisit, record: Mapping[str, Any]) -> h.Node:
    return confirm(
        "replay",
        label="Replay",
        question=f"Publish it to {record['original_topic']} again?",
        text=h.p["It is read as if it had just been written. A request for a message may be sent by it now."],
        action=f"/parked/{record['position']}/replay",
        csrf_field=visit.csrf_field,
    )


def _drop(visit: PageVisit, record: Mapping[str, Any]) -> h.Node:
    return confirm(
        "drop",
        field("Why", "reason", required=True, maxlength="1000", hint="For whoever looks next."),
        label="Drop",
        question="Drop this record?",
        text=h.p["It is not listed any more. Kafka keeps its bytes for as long as the topic does."],
        action=f"/parked/{record['position']}/drop",
        csrf_field=visit.csrf_field,
    )
