"""Campaigns: what was sent to lists, how far each is, and its end."""

from collections.abc import Mapping
from typing import Any

import htpy as h
from fastapi import APIRouter
from starlette.responses import Response

from services.dashboard.components.badge import badge
from services.dashboard.components.confirm import confirm
from services.dashboard.components.empty_state import empty_state
from services.dashboard.components.figure import figure, figures
from services.dashboard.components.moment import moment
from services.dashboard.components.notice import Tone, notice
from services.dashboard.components.pager import pager
from services.dashboard.components.progress import progress
from services.dashboard.components.table import table
from services.dashboard.visit import PageVisit, Visit

routes = APIRouter()

_PAGE = 50
_TONES: Mapping[str, Tone] = {
    "running": "info",
    "scheduled": "info",
    "paused": "warn",
    "done": "good",
    "cancelled": "bad",
}
_WAITING = ("publishing", "queued", "dispatching", "scheduled", "waiting")
_DONE = {
    "made": "The campaign is made.",
    "paused": "Paused: nothing more is requested. What was requested before is still sent.",
    "resumed": "The campaign goes on where it was paused.",
    "cancelled": "Cancelled: what had not left is cancelled.",
}


@routes.get("/campaigns")
async def campaign_list(visit: Visit, after: str | None = None) -> Response:
    """Show the campaigns, newest first."""
    page = await visit.api.get("/v1/campaigns", {"newest_first": "true", "limit": _PAGE, "after": after})
    new = h.a(".button", href="/campaigns/new", role="button")["New campaign"] if visit.user.may("operate") else None
    return visit.page(
        "Campaigns",
        h.div(".title-row")[h.h1["Campaigns"], new],
        _table(page["campaigns"]) if page["campaigns"] else _none(visit, is_first=after is None),
        pager("/campaigns", page["next"], is_first=after is None),
    )


@routes.get("/campaigns/{campaign_id}")
async def show_campaign(visit: Visit, campaign_id: int, done: str = "") -> Response:
    campaign = await visit.api.get(f"/v1/campaigns/{campaign_id}")
    if visit.is_partial:
        return visit.part(_progress(visit, campaign))
    return visit.page(
        campaign["name"],
        h.div(".title-row")[h.h1[campaign["name"]], h.div(".links")[h.a(href="/campaigns")["All campaigns"]]],
        notice("good", _DONE[done]) if done in _DONE else None,
        _progress(visit, campaign),
        _about(campaign),
        _cancel(visit, campaign),
    )


@routes.post("/campaigns/{campaign_id}/pause")
async def pause_campaign(visit: Visit, campaign_id: int) -> Response:
    return await _change(visit, campaign_id, "pause", "paused")


@routes.post("/campaigns/{campaign_id}/resume")
async def resume_campaign(visit: Visit, campaign_id: int) -> Response:
    return await _change(visit, campaign_id, "resume", "resumed")


@routes.post("/campaigns/{campaign_id}/cancel")
async def cancel_campaign(visit: Visit, campaign_id: int) -> Response:
    return await _change(visit, campaign_id, "cancel", "cancelled")


async def _change(visit: PageVisit, campaign_id: int, what: str, done: str) -> Response:
    await visit.api.post(f"/v1/campaigns/{campaign_id}/{what}")
    return visit.redirect(f"/campaigns/{campaign_id}?done={done}")


def _none(visit: PageVisit, *, is_first: bool) -> h.Node:
    if not is_first:
        return empty_state("There is nothing older", "This is the end.")
    way_on = h.a(href="/campaigns/new")["Write the first one"] if visit.user.may("operate") else None
    return empty_state("No campaign yet", "A campaign is one text to everybody on a list who may get it.", way_on)


def _table(campaigns: list[dict[str, Any]]) -> h.Node:
    rows = [
        (
            h.a(href=f"/campaigns/{each['campaign_id']}")[each["name"]],
            badge(each["state"], _TONES.get(each["state"], "info")),
            h.a(href=f"/lists/{each['list_id']}")[f"list {each['list_id']}"],
            each["sender_number"],
            moment(each["started_at"] or each["scheduled_at"]),
        )
        for each in campaigns
    ]
    return h.section(".card")[table("Campaigns", ("Campaign", "State", "To", "From", "Started or starts"), rows)]


def _progress(visit: PageVisit, campaign: Mapping[str, Any]) -> h.Renderable:
    """Return how far it is; while something may still change, the part asks for itself again."""
    done, path = campaign["progress"], f"/campaigns/{campaign['campaign_id']}"
    again = {"hx_get": path, "hx_trigger": "every 1s", "hx_swap": "outerHTML"} if _may_change(campaign) else {}
    messages = done["messages"]
    settled = sum(messages.values()) - _waiting(campaign) + done["skipped"]
    return h.section(
        "#campaign-progress.card", aria_labelledby="progress-title", data_state=campaign["state"], **again
    )[
        h.div(".title-row")[
            h.h2("#progress-title")["Progress ", badge(campaign["state"], _TONES.get(campaign["state"], "info"))],
            _buttons(visit, campaign),
        ],
        progress("Messages with an outcome", settled, done["recipients"]),
        figures(
            figure("Recipients", f"{done['recipients']:,}"),
            figure("Requested", f"{done['requested']:,}"),
            figure("Without a text", f"{done['skipped']:,}") if done["skipped"] else None,
            (figure(status.replace("_", " ").capitalize(), f"{count:,}") for status, count in sorted(messages.items())),
        ),
    ]


def _waiting(campaign: Mapping[str, Any]) -> int:
    """Return how many messages have no outcome yet."""
    messages: Mapping[str, int] = campaign["progress"]["messages"]
    return sum(messages.get(status, 0) for status in _WAITING)


def _may_change(campaign: Mapping[str, Any]) -> bool:
    return campaign["state"] not in ("done", "cancelled") or _waiting(campaign) > 0


def _buttons(visit: PageVisit, campaign: Mapping[str, Any]) -> h.Node:
    path = f"/campaigns/{campaign['campaign_id']}"
    if not visit.user.may("operate"):
        return None
    match campaign["state"]:
        case "scheduled" | "running":
            return _button(visit, f"{path}/pause", "Pause")
        case "paused":
            return _button(visit, f"{path}/resume", "Resume")
        case _:
            return None


def _button(visit: PageVisit, action: str, label: str) -> h.Node:
    return h.form(".inline", method="post", action=action)[visit.csrf_field, h.button(".quiet", type="submit")[label]]


def _about(campaign: Mapping[str, Any]) -> h.Node:
    return h.section(".card", aria_labelledby="about")[
        h.h2("#about")["What it says"],
        h.p(".bubble.ours")[campaign["body"]],
        h.dl(".facts")[
            h.dt["To"], h.dd[h.a(href=f"/lists/{campaign['list_id']}")[f"list {campaign['list_id']}"]],
            h.dt["From"], h.dd[campaign["sender_number"]],
            h.dt["Purpose"], h.dd[campaign["purpose"]],
            h.dt["Made"], h.dd[moment(campaign["created_at"])],
            h.dt["Starts"], h.dd[moment(campaign["scheduled_at"])],
            h.dt["Started"], h.dd[moment(campaign["started_at"])],
            h.dt["Ended"], h.dd[moment(campaign["ended_at"])],
        ],
    ]  # fmt: skip


def _cancel(visit: PageVisit, campaign: Mapping[str, Any]) -> h.Node:
    if not _may_change(campaign) or not visit.user.may("operate"):
        return None
    return confirm(
        "cancel-campaign",
        label="Cancel the campaign",
        question=f"Cancel “{campaign['name']}”?",
        text=h.p[
            "Nothing more of it is sent, and it cannot be resumed. What is being sent at this moment still leaves."
        ],
        action=f"/campaigns/{campaign['campaign_id']}/cancel",
        csrf_field=visit.csrf_field,
    )
