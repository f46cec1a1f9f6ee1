"""Opt-outs entered by hand, and taken off by hand: both with what the person said, which is kept as evidence."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

import htpy as h
from fastapi import APIRouter, Form, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from services.dashboard.api import RefusedByApiError
from services.dashboard.components.field import choice, field, text_area
from services.dashboard.components.notice import notice
from services.dashboard.components.number_link import number_link
from services.dashboard.components.wording import scope_words
from services.dashboard.said_days import consent_time, moment_text, opt_out_time
from services.dashboard.visit import PageVisit, Visit
from shared.scopes import ACCOUNT, kind_and_value, list_scope, sender_scope

routes = APIRouter()

_OUT_SOURCES = (("phone_call", "By phone call"), ("mail", "By mail"), ("by_hand", "In person, or in another way"))
_IN_SOURCES = (*_OUT_SOURCES, ("web_form", "By a web form"))
_ZONE = h.input(type="hidden", name="zone", data_zone=True)
"""Says in which time zone a day is meant; a script fills it in."""
_FIELDS = {"phone", "scopes", "statement", "asked_at", "consented_at"}


class GivenOptOut(BaseModel):
    """An opt-out as it is filled in."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    phone: str = Field("", max_length=200)
    scope: str = Field(ACCOUNT, max_length=60)
    sender_number: str = Field("", max_length=50)
    source: str = Field("phone_call", max_length=20)
    statement: str = Field("", max_length=10_000)
    asked_on: str = Field("", max_length=10)
    zone: str = Field("", max_length=64)


class GivenOptIn(BaseModel):
    """An opt-in as it is filled in: of the one opt-out that somebody saw."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    phone: str = Field("", max_length=200)
    scope: str = Field("", max_length=60)
    lifts: str = Field("", max_length=36)
    source: str = Field("phone_call", max_length=20)
    statement: str = Field("", max_length=10_000)
    consented_on: str = Field("", max_length=10)
    zone: str = Field("", max_length=64)
    seen_at: str = Field("", max_length=40)


@routes.get("/opt-outs/new")
async def enter(visit: Visit, given: Annotated[GivenOptOut, Query()]) -> Response:
    return await _opt_out_form(visit, given)


@routes.post("/opt-outs/new")
async def opt_out(visit: Visit, given: Annotated[GivenOptOut, Form()]) -> Response:
    scope = sender_scope(given.sender_number) if given.scope == "sender" else given.scope
    body = {"phone": given.phone, "scopes": [scope], **_common(visit, given.source, given.statement)}
    try:
        asked_at = opt_out_time(given.asked_on, given.zone, datetime.now(UTC))
        taken = await visit.api.post("/v1/opt-outs", body | _given({"asked_at": asked_at}))
    except ValueError as error:
        return await _opt_out_form(visit, given, _unreadable("asked_at", error))
    except RefusedByApiError as error:
        return await _opt_out_form(visit, given, error)
    return _done(visit, taken)


@routes.get("/opt-outs/opt-in")
async def consent(visit: Visit, given: Annotated[GivenOptIn, Query()]) -> Response:
    return _opt_in_form(visit, given)


@routes.post("/opt-outs/opt-in")
async def opt_in(visit: Visit, given: Annotated[GivenOptIn, Form()]) -> Response:
    body = {"phone": given.phone, "scopes": [given.scope], **_common(visit, given.source, given.statement)}
    try:
        consented_at = consent_time(given.consented_on, given.zone, given.seen_at)
        more = {"lifts": given.lifts, "consented_at": consented_at}
        taken = await visit.api.post("/v1/opt-ins", body | _given(more))
    except ValueError as error:
        return _opt_in_form(visit, given, _unreadable("consented_at", error))
    except RefusedByApiError as error:
        return _opt_in_form(visit, given, error)
    return _done(visit, taken)


def _common(visit: PageVisit, source: str, statement: str) -> dict[str, Any]:
    return {"source": source, "statement": statement, "by": visit.user.name}


def _given(fields: Mapping[str, datetime | str | None]) -> dict[str, str]:
    """Return the fields that have a value, as JSON has them."""
    given = {name: value for name, value in fields.items() if value}
    return {name: moment_text(value) if isinstance(value, datetime) else value for name, value in given.items()}


def _unreadable(field_name: str, error: ValueError) -> RefusedByApiError:
    """Return what is wrong with a day, as the API says what is wrong."""
    return RefusedByApiError(422, "invalid", f"{field_name}: {error}", field_name)


def _done(visit: PageVisit, taken: Mapping[str, Any]) -> Response:
    said = taken["reason"] if taken["in_effect"] else "pending"
    return visit.redirect(f"/opt-outs?{urlencode({'said': said, 'about': taken['phone']})}")


def _problems(error: RefusedByApiError | None) -> dict[str, str]:
    """Return what is wrong, at the field that it is about; `""` is for the whole form."""
    if error is None:
        return {}
    name = (error.field or "").split(".", 1)[0]
    if name not in _FIELDS:
        return {"": error.message}
    return {name: error.message.removeprefix(f"{error.field}: ")}


def _refused(problems: Mapping[str, str]) -> h.Node:
    if not problems:
        return None
    return notice("bad", h.strong["Nothing was changed."], h.p[problems.get("", "See the field below.")])


async def _opt_out_form(visit: PageVisit, given: GivenOptOut, error: RefusedByApiError | None = None) -> Response:
    read = await visit.api.get("/v1/lists", {"limit": 1_000})
    problems = _problems(error)
    form = h.form(method="post", action="/opt-outs/new")[
        visit.csrf_field,
        _whom(given, read, problems),
        choice("How they said it", "source", _OUT_SOURCES, chosen=given.source),
        text_area(
            "What they said",
            "statement",
            value=given.statement,
            problem=problems.get("statement", ""),
            required="",
            maxlength="10000",
            hint="In their words as far as you know them. It is kept as evidence.",
        ),
        _when("When they said it, if it was not today", "asked_on", given.asked_on, problems.get("asked_at", "")),
        _ZONE,
        h.p(".hint")["From the moment that you send this, no message to the number passes."],
        _buttons("Opt out"),
    ]
    content = h.h1["Enter an opt-out"], _refused(problems), h.article(".form")[form]
    return visit.page("Enter an opt-out", *content, status=error.status if error else 200)


def _whom(given: GivenOptOut, read: Mapping[str, Any], problems: Mapping[str, str]) -> h.Node:
    own = [
        (list_scope(each["list_id"]), f"List {each['name']}") for each in read["lists"] if each["kind"] != "opt_outs"
    ]
    kind, list_id = kind_and_value(given.scope)
    if kind == "list" and given.scope not in dict(own):
        own.append((given.scope, f"List {list_id}"))
    hint = f"These are the first {len(own):,} lists: for others use the API." if read["next"] else ""
    scopes = [(ACCOUNT, "Everything of ours"), *own, ("sender", "One sender number")]
    wrong_phone, wrong_scope = problems.get("phone", ""), problems.get("scopes", "")
    return [
        field("Phone number", "phone", kind="tel", value=given.phone, problem=wrong_phone, required=True),
        choice("What they want no more of", "scope", scopes, chosen=given.scope, hint=hint),
        field("Sender number, if it is about one", "sender_number", value=given.sender_number, problem=wrong_scope),
    ]


def _when(label: str, name: str, value: str, problem: str, hint: str = "") -> h.Node:
    return field(label, name, kind="date", value=value, problem=problem, hint=hint)


def _buttons(label: str) -> h.Node:
    return h.div(".actions")[h.a(".quiet", role="button", href="/opt-outs")["Cancel"], h.button(type="submit")[label]]


def _opt_in_form(visit: PageVisit, given: GivenOptIn, error: RefusedByApiError | None = None) -> Response:
    problems = _problems(error)
    general = problems.get("", "") or problems.get("phone", "") or problems.get("scopes", "")
    form = h.form(method="post", action="/opt-outs/opt-in")[
        visit.csrf_field,
        (h.input(type="hidden", name=name, value=getattr(given, name)) for name in ("phone", "scope", "lifts")),
        h.input(type="hidden", name="seen_at", value=given.seen_at or moment_text(datetime.now(UTC))),
        _ZONE,
        h.p[number_link(given.phone), " will get messages from ", scope_words(given.scope), " again."],
        choice("How they agreed", "source", _IN_SOURCES, chosen=given.source),
        text_area(
            "What they agreed to",
            "statement",
            value=given.statement,
            problem=problems.get("statement", ""),
            required="",
            maxlength="10000",
            rows=4,
            hint="The wording of their consent, or why they may be messaged again. It is kept as evidence.",
        ),
        _when(
            "When they agreed, if it was not today",
            "consented_on",
            given.consented_on,
            problems.get("consented_at", ""),
            "Only consent that was given after an opt-out lifts it.",
        ),
        _buttons("Opt back in"),
    ]
    content = h.h1["Opt back in"], _refused(problems | {"": general} if general else problems), h.article(".form")[form]
    return visit.page("Opt back in", *content, status=error.status if error else 200)
