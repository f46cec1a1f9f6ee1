"""A new campaign: the text with its segments, the gate's words, recipients and cost, while it is written."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import htpy as h
from fastapi import APIRouter
from starlette.responses import Response

from services.dashboard.api import RefusedByApiError
from services.dashboard.components.badge import badge
from services.dashboard.components.empty_state import empty_state
from services.dashboard.components.field import choice, field, text_area
from services.dashboard.components.figure import figure, figures
from services.dashboard.components.notice import notice
from services.dashboard.components.number_link import grouped
from services.dashboard.given import FilledForm, filled_form
from services.dashboard.pages.campaign_question import ANSWER, question
from services.dashboard.visit import PageVisit, Visit

routes = APIRouter()

_MAX_LISTS = 1000
HINTS: Mapping[str, str] = {
    "name": "For you; recipients do not see it.",
    "list_id": "Who has opted out of it, or is held, gets nothing.",
    "sender_number": "The number or sender ID that it comes from.",
    "body": "Placeholders such as (First Name) or {plan} are filled in for each recipient; {{opt_out_link}} is a link.",
    "scheduled_at": "In UTC, whatever your own clock says; empty: at once.",
    "purpose": "For the hours at which messages may arrive.",
}
_ENCODINGS = {"gsm7": "GSM-7", "ucs2": "UCS-2"}


@routes.get("/campaigns/new")
async def new_campaign(visit: Visit) -> Response:
    return await _editor(visit, FilledForm({"key": secrets.token_urlsafe(16)}))


@routes.post("/campaigns/preview")
async def preview_campaign(visit: Visit) -> Response:
    """Preview the campaign in the form: a part of the page for htmx, else the whole page."""
    form = await filled_form(visit)
    shown: h.Node = h.p(".hint")["Write a text, and choose a list and a number, to see what it would be."]
    if form.text("body") and form.text("sender_number") and form.whole_number("list_id"):
        try:
            found = await _previewed(visit, form)
        except RefusedByApiError as error:
            form = _refused(form, error)
            shown = h.p(".hint")["Correct what is marked."]
        else:
            shown, rejection = preview(found), found["rejection"]
            form = form.with_problem(rejection["detail"], "body", tuple(HINTS)) if rejection else form
    if visit.is_partial:
        return visit.part(notice("bad", form.general) if form.general else None, shown, _problems(form))
    return await _editor(visit, form, shown)


@routes.post("/campaigns/new")
async def make_campaign(visit: Visit) -> Response:
    """Ask whether it is to be sent, then make the campaign; a form that is sent twice makes it once."""
    form = await filled_form(visit)
    scheduled = _time(form.text("scheduled_at"))
    if form.text("scheduled_at") and scheduled is None:
        form = form.with_problem("Write a date and a time.", "scheduled_at", tuple(HINTS))
        return await _editor(visit, form, status=422)
    if not form.is_on(ANSWER):
        return await _ask(visit, form)
    new = {
        "list_id": form.whole_number("list_id") or 0,
        "name": form.text("name"),
        "sender_number": form.text("sender_number"),
        "body": form.texts.get("body", ""),
        "purpose": form.text("purpose") or "marketing",
        "scheduled_at": scheduled,
    }
    try:
        made = await visit.api.post("/v1/campaigns", new, idempotency_key=form.text("key") or None)
    except RefusedByApiError as error:
        return await _editor(
            visit, _made_before(form) if error.code == "other_request" else _refused(form, error), status=422
        )
    return visit.redirect(f"/campaigns/{made['campaign_id']}?done=made")


async def _ask(visit: PageVisit, form: FilledForm) -> Response:
    """Ask whether the campaign is to be sent, as the API would send it; show what is wrong with it instead."""
    try:
        found = await _previewed(visit, form)
    except RefusedByApiError as error:
        return await _editor(visit, _refused(form, error), status=422)
    if found["rejection"]:
        form = form.with_problem(found["rejection"]["detail"], "body", tuple(HINTS))
        return await _editor(visit, form, preview(found), status=422)
    return visit.page("Send this campaign?", question(visit, form, found))


async def _previewed(visit: PageVisit, form: FilledForm) -> dict[str, Any]:
    draft = {name: form.texts.get(name, "") for name in ("body", "sender_number")}
    return await visit.api.post("/v1/campaigns/preview", {**draft, "list_id": form.whole_number("list_id") or 0})


def _time(text: str) -> str | None:
    """Return what a browser has in a field for date and time, as a time in UTC; None: it is none."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).isoformat()


def _made_before(form: FilledForm) -> FilledForm:
    """Return the form for a campaign of its own: this one was sent, gone back to, and changed."""
    known = "A campaign was made with this form before. Send it again if this is to be another one."
    return FilledForm({**form.texts, "key": secrets.token_urlsafe(16)}, general=known)


def _refused(form: FilledForm, error: RefusedByApiError) -> FilledForm:
    if error.status not in (409, 422):
        raise error
    return form.with_problem(error.message, error.field, tuple(HINTS))


def _problems(form: FilledForm) -> h.Node:
    return [
        h.small(id=f"about-{name}", class_="problem" if form.problem(name) else None, hx_swap_oob="true")[
            form.problem(name) or hint
        ]
        for name, hint in HINTS.items()
    ]


async def _editor(visit: PageVisit, form: FilledForm, shown: h.Node = None, status: int = 200) -> Response:
    page = await visit.api.get("/v1/lists", {"limit": _MAX_LISTS})
    lists = [(str(each["list_id"]), each["name"]) for each in page["lists"] if each["kind"] != "opt_outs"]
    title = h.div(".title-row")[h.h1["New campaign"], h.div(".links")[h.a(href="/campaigns")["All campaigns"]]]
    if not lists:
        nobody = empty_state(
            "There is no list to send to", "Make a list and add contacts first.", h.a(href="/lists")["Lists"]
        )
        return visit.page("New campaign", title, nobody, status=status)
    return visit.page(
        "New campaign",
        title,
        notice("bad", form.general) if form.general else None,
        h.div(".editor")[_form(visit, form, lists), h.div(".beside")[_panel(shown)]],
        status=status,
    )


def _form(visit: PageVisit, form: FilledForm, lists: list[tuple[str, str]]) -> h.Node:
    return h.form("#campaign-form.card", method="post", action="/campaigns/new")[
        visit.csrf_field,
        h.input(type="hidden", name="key", value=form.text("key")),
        _line(form, "Name", "name", maxlength="200", required=True),
        choice(
            "To the list",
            "list_id",
            lists,
            chosen=form.text("list_id"),
            hint=form.problem("list_id") or HINTS["list_id"],
        ),
        _line(form, "From", "sender_number", required=True, maxlength="64"),
        text_area(
            "Text", "body", value=form.texts.get("body", ""), hint=HINTS["body"], problem=form.problem("body"), rows=6,
            required="required",
        ),
        h.div(".grid-3")[
            _line(form, "Starts (UTC)", "scheduled_at", kind="datetime-local"),
            choice(
                "Purpose",
                "purpose",
                (("marketing", "marketing"), ("transactional", "transactional")),
                chosen=form.text("purpose"),
                hint=HINTS["purpose"],
            ),
        ],
        h.div(".actions")[
            h.button(".quiet", type="submit", formaction="/campaigns/preview", formnovalidate=True)["Preview"],
            h.button(type="submit")["Send or schedule"],
        ],
    ]  # fmt: skip


def _line(form: FilledForm, label: str, name: str, **attributes: Any) -> h.Node:
    return field(
        label, name, value=form.texts.get(name, ""), hint=HINTS[name], problem=form.problem(name), **attributes
    )


def _panel(shown: h.Node) -> h.Node:
    asks = {
        "hx_post": "/campaigns/preview",
        "hx_trigger": "load, input delay:400ms from:#campaign-form, change from:#campaign-form",
        "hx_include": "#campaign-form",
        "hx_sync": "this:replace",
    }
    return h.section(".card", aria_labelledby="preview-title")[
        h.h2("#preview-title")["What it would be"],
        h.div("#preview", aria_live="polite", **asks)[shown],
    ]


def preview(found: Mapping[str, Any]) -> h.Node:
    """Return a preview, as the API gives it."""
    rejection = found["rejection"]
    return [
        notice("bad", rejection["detail"].removeprefix("body: ")) if rejection else _passes(found),
        figures(
            figure("Segments", _segments(found), f"{found['units']} of {_ENCODINGS[found['encoding']]}"),
            figure("Recipients", "many" if found["recipients"] is None else f"{found['recipients']:,}"),
            figure(
                "Costs", "-" if found["segments_of_all"] is None else f"{found['segments_of_all']:,}", "segments in all"
            ),
        ),
        _unusual(found["unusual_characters"]),
        _skipped(found),
        _examples(found),
    ]


def _passes(found: Mapping[str, Any]) -> h.Node:
    if found["instruction_is_appended"]:
        return notice("info", "The account's instruction is added at its end.")
    return notice("good", "It says how to opt out, and that works.")


def _segments(found: Mapping[str, Any]) -> str:
    least, most = found["segments_least"], found["segments_most"]
    return str(least) if least == most else f"{least} to {most}"


def _unusual(characters: list[str]) -> h.Node:
    if not characters:
        return None
    shown = " ".join(characters)
    return h.p(".hint")[badge("UCS-2", "warn"), f" A segment has 70 characters instead of 160, because of: {shown}"]


def _skipped(found: Mapping[str, Any]) -> h.Node:
    if not found["skipped"]:
        return None
    who = f"{found['skipped']:,} of the first {found['examined']:,} recipients"
    return notice("warn", f"{who} would get nothing: their text is empty or too long.")


def _examples(found: Mapping[str, Any]) -> h.Node:
    examples = found["examples"] or [{"phone": None, "text": found["text"], "segments": found["segments"]}]
    return h.ul(".examples")[
        (
            h.li[
                h.p(".bubble.ours")[each["text"]],
                h.small(".hint")[
                    f"to {grouped(each['phone'])}, " if each["phone"] else "",
                    f"{each['segments']} segments" if each["segments"] != 1 else "1 segment",
                ],
            ]
            for each in examples
        )
    ]
