"""The simulator: what a rule that is being written would have done with what people wrote before."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import htpy as h
from fastapi import APIRouter
from starlette.responses import Response

from services.dashboard.api import RefusedByApiError
from services.dashboard.components.moment import moment
from services.dashboard.components.notice import notice
from services.dashboard.components.number_link import number_link
from services.dashboard.components.progress import progress
from services.dashboard.components.table import table
from services.dashboard.given import filled_form
from services.dashboard.pages.rule_editor import editor, refused_form, rule_of
from services.dashboard.pages.rule_explanation import kind_badge
from services.dashboard.visit import PageVisit, Visit

routes = APIRouter()

_ENDS = {
    "timed_out": "It was stopped after five minutes: these are the results for the newest replies.",
    "failed": "It has failed. Try again; if it fails again, the rule's patterns may take too long.",
    "cancelled": "It was cancelled.",
}


@routes.post("/rules/simulate")
async def start_simulation(visit: Visit) -> Response:
    """Start with the rule in the form."""
    form = await filled_form(visit)
    rule_id = form.whole_number("rule_id")
    draft = {**rule_of(form), "replaces": rule_id}
    draft["rule_name"] = draft["rule_name"] or "New rule"
    try:
        simulation = await visit.api.post("/v1/rules/simulate", draft)
    except RefusedByApiError as error:
        if visit.is_partial:
            return visit.part(notice("bad", error.message))
        return editor(visit, refused_form(form, error), rule_id, status=422)
    if visit.is_partial:
        return visit.part(_shown(visit, simulation))
    return visit.redirect(_path(simulation["simulation_id"]))


@routes.get("/rules/simulations/{simulation_id}")
async def show_simulation(visit: Visit, simulation_id: UUID) -> Response:
    simulation = await visit.api.get(f"/v1/rules/simulate/{simulation_id}")
    if visit.is_partial:
        return visit.part(_shown(visit, simulation))
    back = h.div(".title-row")[h.h1["The rule on history"], h.div(".links")[h.a(href="/rules")["All rules"]]]
    return visit.page("The rule on history", back, _shown(visit, simulation))


@routes.post("/rules/simulations/{simulation_id}/cancel")
async def cancel_simulation(visit: Visit, simulation_id: UUID) -> Response:
    simulation = await visit.api.delete(f"/v1/rules/simulate/{simulation_id}")
    if visit.is_partial:
        return visit.part(_shown(visit, simulation))
    return visit.redirect(_path(simulation["simulation_id"]))


def _path(simulation_id: str) -> str:
    return f"/rules/simulations/{simulation_id}"


def _shown(visit: PageVisit, simulation: Mapping[str, Any]) -> h.Renderable:
    """Return the simulation; while it runs, the part asks for itself again."""
    path = _path(simulation["simulation_id"])
    is_running = simulation["state"] == "running"
    again = {"hx_get": path, "hx_trigger": "every 700ms", "hx_swap": "outerHTML"} if is_running else {}
    done = simulation["progress"]
    return h.section(".card", aria_labelledby="simulated", data_state=simulation["state"], **again)[
        h.h2("#simulated")["On what people wrote before"],
        progress("Replies examined", done["examined"], done["total"]),
        notice("warn", _ENDS[simulation["state"]]) if simulation["state"] in _ENDS else None,
        h.p(role="status")[_counted(simulation)],
        _changes("New", "The rule would change these", simulation["first_new"], simulation["new"]),
        _changes("Lost", "These would not be decided by it any more", simulation["first_lost"], simulation["lost"]),
        _cancel(visit, path) if is_running else None,
    ]


def _counted(simulation: Mapping[str, Any]) -> str:
    matched, new, lost = simulation["matched"], simulation["new"], simulation["lost"]
    changes = f"{new:,} would be decided otherwise" if new else "nothing would be decided otherwise"
    return f"{matched:,} match; {changes}" + (f", and {lost:,} would not match any more." if lost else ".")


def _changes(name: str, title: str, first: Sequence[Mapping[str, Any]], count: int) -> h.Node:
    if not count:
        return None
    rows = [
        (
            [
                h.span(".reply")[each["body"]],
                h.br,
                h.small[number_link(each["phone"]), ", ", moment(each["decided_at"])],
            ],
            kind_badge(each["before"] or each["answer"]),
            kind_badge(each["after"] or "none"),
        )
        for each in first
    ]
    shown = f"{title}: {count:,}" + (f", of which the newest {len(first)}" if count > len(first) else "")
    return [h.h3[shown], table(f"{name} replies", ("Reply", "Before", "After"), rows)]


def _cancel(visit: PageVisit, path: str) -> h.Node:
    return h.form(
        method="post",
        action=f"{path}/cancel",
        hx_post=f"{path}/cancel",
        hx_target="closest section",
        hx_swap="outerHTML",
    )[visit.csrf_field, h.div(".actions")[h.button(".quiet", type="submit")["Cancel"]]]
